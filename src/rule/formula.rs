//! The update of an algorithm as text, which follows the switches that are set.

use crate::hyper::{SHARED, Value, Values, shared};

/// The assignments of one update of one parameter array, in the order in which they are made.
///
/// # Grammar
///
/// A formula is a list of assignments `name = expression`, separated by `"; "`. A name on the right-hand
/// side has its latest value: the one that an earlier assignment gave it, or else the one that it had at the
/// end of the previous update. Before the first update every such name is 0.
///
/// | name | value |
/// | --- | --- |
/// | `p` | the parameter array; at the end, the updated one |
/// | `g` | its gradient, or the mean of the gradients of an accumulation window |
/// | `t` | number of the update, from 1 |
/// | `m`, `v` | the states `momentum` and `velocity`, wherever an algorithm keeps them |
/// | the name of a hyperparameter | its value |
///
/// Operators from the weakest to the strongest: the comparisons `==`, `!=`, `<`, `<=`, `>`, `>=`, which give
/// 1 or 0; `+` and `-`, also as signs; products, written as a space, and `/`, both from left to right; `^`.
/// A product may also be written without the space where a parenthesis follows a parenthesis. Operands are
/// numbers, names, expressions in parentheses and calls `function(argument, ...)`, whose parenthesis follows
/// the name without a space. All of them work element by element, with the rules of broadcasting of NumPy. A
/// quotient whose denominator is 0 is 0.
///
/// | function | value |
/// | --- | --- |
/// | `abs(x)`, `sqrt(x)`, `log(x)` | magnitude, root, natural logarithm of each element |
/// | `sign(x)` | -1, 0 or 1 |
/// | `min(x, y)`, `max(x, y)` | the smaller or the larger element |
/// | `clip(x, low, high)` | `min(max(x, low), high)` |
/// | `if(condition, x, y)` | `x` where the condition is not 0, else `y` |
/// | `mod(x, y)` | remainder of the division |
/// | `norm(x)`, `sum(x)`, `mean(x)`, `size(x)` | L2 norm, sum, mean and number of all elements |
/// | `total(x)` | the sum over the elements of all parameter arrays of the optimizer |
/// | `row_mean(x)`, `column_mean(x)` | mean over the last axis, over the last but one; the axis stays, with length 1 |
/// | `channel_mean(x)`, `channel_sum(x)`, `channel_size(x)` | mean, sum and number of elements over all axes but the first; these axes stay, with length 1 |
/// | `largest(x)` | largest element |
/// | `axes(x)`, `rows(x)`, `columns(x)` | number of axes; length of the last axis but one, and of the last |
/// | `orthogonal(x)` | the result of the Newton-Schulz iteration of Muon |
///
/// Not in the formula: the moving average of the parameters, overrides of single parameters, and rounding.
#[derive(Debug)]
pub struct Formula<'a> {
    /// The hyperparameters.
    pub(crate) values: &'a Values,
    assignments: Vec<String>,
    /// Name of the weight decay; none if there is none, or if it is written already.
    decay: Option<&'static str>,
    /// Whether the parameter has a trust ratio, in a rule that has one.
    pub(crate) adapts: bool,
    /// Name of the learning rate.
    rate: &'static str,
    /// Whether the first learning rate has a name already.
    names_first_rate: bool,
}

impl<'a> Formula<'a> {
    /// A formula without assignments; `decay` is the name of the weight decay, where there is any, and `adapts`
    /// is whether a layer-wise rule uses its trust ratio.
    pub(crate) fn new(values: &'a Values, decay: Option<&'static str>, adapts: bool) -> Self {
        Formula {
            values,
            assignments: Vec::new(),
            decay,
            adapts,
            rate: "learning_rate",
            names_first_rate: false,
        }
    }

    /// Adds one assignment, or several with `"; "` between them.
    pub(crate) fn line(&mut self, text: impl Into<String>) {
        self.assignments.push(text.into());
    }

    /// The text.
    pub(crate) fn text(self) -> String {
        self.assignments.join("; ")
    }

    /// Changes the name of the weight decay, if there is any.
    pub(crate) fn decay_is(&mut self, name: &'static str) {
        self.decay = self.decay.map(|_| name);
    }

    /// Changes the name of the learning rate.
    pub(crate) fn rate_is(&mut self, name: &'static str) {
        self.rate = name;
    }

    /// Names the learning rate of the first update.
    pub(crate) fn first_rate(&mut self) {
        if !self.names_first_rate {
            self.line("first_rate = if(t == 1, learning_rate, first_rate)");
            self.names_first_rate = true;
        }
    }

    fn mode(&self) -> &'static str {
        self.values.shared_text(shared::WEIGHT_DECAY_MODE)
    }

    /// Whether there is weight decay that is not written yet.
    pub(crate) fn decays(&self) -> bool {
        self.decay.is_some()
    }

    /// Name of the weight decay where it is added to the gradient.
    pub(crate) fn coupled(&self) -> Option<&'static str> {
        self.decay.filter(|_| self.mode() == "l2")
    }

    /// Adds the coupled weight decay to the gradient.
    pub(crate) fn couple(&mut self) {
        if let Some(name) = self.coupled() {
            self.line(format!("g = g + {name} p"));
        }
    }

    /// Name of the weight decay where it is part of the direction, under the trust ratio.
    pub(crate) fn inside(&self) -> Option<&'static str> {
        self.decay.filter(|_| self.mode() == "update")
    }

    /// The share of the parameter that decays, with the rate of the rule.
    fn share(&mut self, rate: &str) -> Option<String> {
        let name = self.decay.filter(|_| self.mode() != "l2")?;
        Some(match self.mode() {
            "fixed" => name.to_string(),
            "corrected" => {
                self.line("largest_rate = max(largest_rate, learning_rate)");
                format!("{rate} {name} {} / largest_rate", self.rate)
            }
            "schedule" => {
                self.first_rate();
                format!("{name} {} / first_rate", self.rate)
            }
            _ => format!("{rate} {name}"),
        })
    }

    /// Writes the weight decay of the modes that come before the step, for rules that read the parameter.
    pub(crate) fn decay_first(&mut self) {
        if matches!(self.mode(), "decoupled" | "fixed" | "corrected" | "schedule")
            && let Some(share) = self.share(self.rate)
        {
            self.line(format!("p = (1 - {share}) p"));
            self.decay = None;
        }
    }

    /// Marks the weight decay as written, or as part of the direction.
    pub(crate) fn decay_done(&mut self) {
        self.decay = None;
    }

    /// The new parameter: `moved`, minus the weight decay of the old one at this rate. `along` has the
    /// sign of the step.
    pub(crate) fn descend_at(&mut self, moved: &str, rate: &str, along: &str) {
        let new = match (self.share(rate), self.mode()) {
            (None, _) => moved.to_string(),
            (Some(share), "after") => format!("(1 - {share}) ({moved})"),
            (Some(share), "cautious") => format!("{moved} - if({along} p >= 0, {share} p, 0)"),
            (Some(share), _) => format!("{moved} - {share} p"),
        };
        self.line(format!("p = {new}"));
    }

    /// The step of an element-wise rule with the direction `u`.
    pub(crate) fn descend(&mut self) {
        let rate = self.rate;
        self.descend_at(&format!("p - {rate} u"), rate, "u");
    }

    /// Makes the last assignment, of the parameter, conditional.
    pub(crate) fn only_if(&mut self, condition: &str) {
        if let Some(last) = self.assignments.last_mut()
            && let Some(new) = last.strip_prefix("p = ")
        {
            *last = format!("p = if({condition}, {new}, p)");
        }
    }

    /// The operations on the gradient before the rule uses it.
    pub(crate) fn gradient(&mut self) {
        let v = self.values;
        if v.shared_number(shared::LOSS_SCALE_FACTOR).is_some() {
            self.line("g = g / loss_scale_factor");
        }
        if v.shared(shared::MAXIMIZE) == Value::Bool(true) {
            self.line("g = -g");
        }
        for (position, norm) in [(shared::CLIPNORM, "norm(g)"), (shared::GLOBAL_CLIPNORM, "sqrt(total(g^2))")]
        {
            if v.shared_number(position).is_some() {
                let limit = SHARED[position].name;
                self.line(if v.shared_number(shared::CLIP_EPSILON).is_some_and(|x| x > 0.0) {
                    format!("g = min(1, {limit} / ({norm} + clip_epsilon)) g")
                } else {
                    format!("g = {limit} / max({norm}, {limit}) g")
                });
            }
        }
        if v.shared_number(shared::CLIPVALUE).is_some() {
            self.line("g = clip(g, -clipvalue, clipvalue)");
        }
        match v.shared(shared::GRADIENT_CENTRALIZATION) {
            Value::Bool(true) => self.line("g = g - if(axes(g) >= 2, channel_mean(g), 0)"),
            Value::Text(_) => self.line("g = g - if(axes(g) >= 4, channel_mean(g), 0)"),
            _ => {}
        }
        self.larc();
    }

    /// LARC, including its weight decay.
    fn larc(&mut self) {
        let v = self.values;
        if v.shared_number(shared::LARC_COEFFICIENT).is_none() {
            return;
        }
        let (mut below, mut pulled) = ("norm(g)".to_string(), "g".to_string());
        if let Some(name) = self.decay {
            below += &format!(" + {name} norm(p)");
            pulled = format!("(g + {name} p)");
        }
        if v.shared_number(shared::LARC_EPSILON).is_some_and(|x| x != 0.0) {
            below += " + larc_epsilon";
        }
        self.line(format!("k = larc_coefficient norm(p) / ({below})"));
        if v.shared(shared::LARC_CLIP) == Value::Bool(true) {
            self.line("k = min(k / learning_rate, 1)");
        }
        self.line(format!("g = if(norm(p) norm(g) == 0, g, k {pulled})"));
        self.decay = None;
    }

    /// The copy of the parameter that Lookahead starts from.
    pub(crate) fn start_slow(&mut self) {
        if self.values.shared_integer(shared::SYNC_PERIOD).is_some()
            && self.values.shared_text(shared::SLOW_START) == "build"
        {
            self.line("slow = if(t == 1, p, slow)");
        }
    }

    /// Lookahead.
    pub(crate) fn synchronize(&mut self) {
        let v = self.values;
        let Some(period) = v.shared_integer(shared::SYNC_PERIOD) else { return };
        let sync = match v.shared_integer(shared::SYNC_PHASE).unwrap_or(0) {
            0 => "mod(t, sync_period) == 0".to_string(),
            phase if phase < period => "mod(t, sync_period) == sync_phase".to_string(),
            _ => "mod(t, sync_period) == mod(sync_phase, sync_period)".to_string(),
        };
        let copies = v.shared_text(shared::SLOW_START) == "first_sync";
        let share = if copies { "if(t <= sync_period, 1, slow_step_size)" } else { "slow_step_size" };
        self.line(format!("slow = if({sync}, slow + {share} (p - slow), slow)"));
        self.line(format!("p = if({sync}, slow, p)"));
        match v.shared_text(shared::PULLBACK_MOMENTUM) {
            "reset" if copies => self.line(format!("m = if({sync}, if(t <= sync_period, m, 0), m)")),
            "reset" => self.line(format!("m = if({sync}, 0, m)")),
            "pullback" => {
                self.line(format!("slow_m = if({sync}, slow_m + {share} (m - slow_m), slow_m)"));
                self.line(format!("m = if({sync}, slow_m, m)"));
            }
            _ => {}
        }
    }
}
