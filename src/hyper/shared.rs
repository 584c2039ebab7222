//! The hyperparameters that every algorithm has. The order is that of Keras, then the library's own.

use super::domain::Value::{Bool, Text};
use super::domain::{Domain, Value};
use super::table::{Condition, Needs, choice, flag, hypers, integer, number, optional};

const WEIGHT_DECAY_MODES: &[Value] = &[
    Text("decoupled"),
    Text("update"),
    Text("l2"),
    Text("after"),
    Text("fixed"),
    Text("corrected"),
    Text("schedule"),
    Text("cautious"),
];

const AVERAGE: Needs = &[&[Condition::On("use_ema")]];
const FADING_AVERAGE: Needs =
    &[&[Condition::On("use_ema")], &[Condition::Is("ema_form", Text("exponential"))]];
const NORM_CLIP: Needs = &[&[Condition::On("clipnorm"), Condition::On("global_clipnorm")]];
const NARROW_STATE: Needs =
    &[&[Condition::Is("state_dtype", Text("bfloat16")), Condition::Is("state_dtype", Text("float8"))]];
const LOOKAHEAD: Needs = &[&[Condition::On("sync_period")]];
const LARC: Needs = &[&[Condition::On("larc_coefficient")]];

hypers! {
    pub SHARED;
    WEIGHT_DECAY = optional(Domain::NonNegativeOrNone, "weight decay"),
    CLIPNORM = optional(Domain::PositiveOrNone, "largest L2 norm of each gradient").for_all(),
    CLIPVALUE = optional(Domain::PositiveOrNone, "largest magnitude of each gradient element").for_all(),
    GLOBAL_CLIPNORM =
        optional(Domain::PositiveOrNone, "largest L2 norm of all gradients together").for_all(),
    USE_EMA = flag(false, "keep an exponential moving average of the parameters"),
    EMA_MOMENTUM = number(0.99, Domain::UnitClosed, "decay rate of the average").for_all().needs(FADING_AVERAGE),
    EMA_OVERWRITE_FREQUENCY =
        optional(Domain::IntegerOrNone(1), "updates between overwriting the parameters with their average")
            .fixed()
            .needs(AVERAGE),
    LOSS_SCALE_FACTOR =
        optional(Domain::PositiveOrNone, "factor of the loss; gradients are divided by it").for_all(),
    GRADIENT_ACCUMULATION_STEPS =
        optional(Domain::IntegerOrNone(2), "calls whose gradients are averaged into one update").fixed(),
    WEIGHT_DECAY_MODE = choice(WEIGHT_DECAY_MODES, "where weight decay enters"),
    EMA_EVERY = choice(&[Text("update"), Text("call")], "when the average is updated").needs(AVERAGE),
    MAXIMIZE = flag(false, "ascend instead of descend"),
    NONFINITE = choice(
        &[Text("auto"), Text("propagate"), Text("raise"), Text("skip")],
        "how a NaN or infinity in a gradient is handled",
    ),
    STATE_DTYPE =
        choice(&[Text("float32"), Text("bfloat16"), Text("float8")], "storage of the moments"),
    STATE_ROUNDING = choice(
        &[Text("stochastic"), Text("nearest")],
        "rounding of moments narrower than float32",
    )
    .needs(NARROW_STATE),
    SEED = integer(0, 0, "seed of stochastic rounding"),
    CLIP_EPSILON =
        number(0.0, Domain::AtLeast(0.0), "added to the norm by which a norm clip divides")
            .for_all()
            .needs(NORM_CLIP),
    GRADIENT_CENTRALIZATION = choice(
        &[Bool(false), Bool(true), Text("conv_only")],
        "subtract the mean over all axes but the first, of gradients with two axes or more, or with four",
    ),
    EMA_FORM = choice(
        &[Text("exponential"), Text("uniform")],
        "weights of the average: exponentially decreasing, or all equal (SWA)",
    )
    .needs(AVERAGE),
    EMA_START = integer(0, 0, "updates before the average starts").needs(AVERAGE),
    SYNC_PERIOD = optional(Domain::IntegerOrNone(1), "updates between synchronizations").of("Lookahead"),
    SLOW_STEP_SIZE = number(0.5, Domain::UnitClosed, "step size of the slow weights")
        .of("Lookahead")
        .needs(LOOKAHEAD),
    SLOW_START = choice(&[Text("build"), Text("first_sync")], "when the slow weights are copied")
        .of("Lookahead")
        .needs(LOOKAHEAD),
    SYNC_PHASE = integer(0, 0, "update, from 1, of the first synchronization")
        .of("Lookahead")
        .needs(LOOKAHEAD),
    PULLBACK_MOMENTUM = choice(
        &[Text("none"), Text("reset"), Text("pullback")],
        "how a synchronization changes the momentum",
    )
    .of("Lookahead")
    .needs(LOOKAHEAD),
    LARC_COEFFICIENT = optional(Domain::PositiveOrNone, "trust coefficient of the layer-wise rate")
        .of("Larc")
        .called("trust_coefficient"),
    LARC_CLIP = flag(true, "limit the layer-wise rate to the learning rate").of("Larc").called("clip").needs(LARC),
    LARC_EPSILON = number(1e-8, Domain::AtLeast(0.0), "small constant of the denominator of the rate")
        .of("Larc")
        .called("epsilon")
        .needs(LARC),
}
