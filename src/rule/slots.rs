//! The states and scalars that an algorithm keeps.

/// What a state slot holds, hence how narrow it may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Always `float32`: running maxima, iterates.
    Full,
    /// A signed moment.
    Moment,
    /// A moment that is never negative.
    Square,
}

/// One state of an algorithm: as many elements as the parameter.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Name, as in `state_dict`.
    pub name: &'static str,
    /// What it holds.
    pub content: Content,
    /// Its first value.
    pub initial: Initial,
}

/// The first value of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// Zero.
    Zero,
    /// A hyperparameter, by its position in the algorithm's table.
    Hyper(usize),
    /// The parameter itself.
    Parameter,
}

/// A number that an algorithm remembers from step to step.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    /// Name, as in `state_dict` behind "optimizer/".
    pub name: &'static str,
    /// Its first value.
    pub initial: Start,
}

/// The first value of a scalar.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// A number.
    At(f64),
    /// A hyperparameter, by its position in the algorithm's table.
    Hyper(usize),
}

/// What a scalar belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Parameters with the same hyperparameters.
    Group,
    /// One parameter.
    Parameter,
    /// All parameters together.
    All,
}

impl Scope {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Group => "group",
            Scope::Parameter => "parameter",
            Scope::All => "all",
        }
    }
}

/// A signed moment called `name`.
pub const fn moment(name: &'static str) -> Slot {
    Slot { name, content: Content::Moment, initial: Initial::Zero }
}

/// A non-negative moment called `name`.
pub const fn square(name: &'static str) -> Slot {
    Slot { name, content: Content::Square, initial: Initial::Zero }
}

/// A state called `name` that is never narrowed.
pub const fn full(name: &'static str) -> Slot {
    Slot { name, content: Content::Full, initial: Initial::Zero }
}

impl Slot {
    /// A slot whose first value is the hyperparameter at this position of the algorithm's table.
    pub const fn starting_at(self, hyper: usize) -> Slot {
        Slot { initial: Initial::Hyper(hyper), ..self }
    }

    /// A slot that starts as a copy of the parameter.
    pub const fn starting_as_parameter(self) -> Slot {
        Slot { initial: Initial::Parameter, ..self }
    }
}
