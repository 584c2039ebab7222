//! The states and scalars that an algorithm keeps.

/// The kind of values in a slot, which decides how narrow it may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Always `float32`: running maxima, iterates.
    Full,
    /// A signed moment.
    Moment,
    /// A moment that is never negative.
    Square,
    /// No values: the engine computes the lanes for each tile, according to [`Slot::derived`].
    Derived,
}

/// Lanes that are computed from fewer numbers than the tensor has elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// `1 / sqrt(V)`, where the estimate `V = row * column / mean(row)` of a second moment is kept as the
    /// moments of the rows and columns of each matrix of the last two axes.
    Factored {
        /// Names of the two states, as in `state_dict`.
        names: [&'static str; 2],
        /// Whether it is updated after the sums over the tensor are known and the rule has them.
        after_sums: bool,
    },
    /// The coefficient of the element's row, the first axis being the rows; no state.
    Row,
}

/// One state of an algorithm: as many elements as the parameter.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Name, as in `state_dict`.
    pub name: &'static str,
    /// The kind of its values.
    pub content: Content,
    /// Its first value.
    pub initial: Initial,
    /// How its lanes are computed, if it has no array of its own.
    pub derived: Option<Derived>,
    /// Whether it is the momentum that Lookahead resets or pulls back with the parameter.
    pub pulls_back: bool,
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

/// A number that an algorithm keeps from step to step.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    /// Name, as in `state_dict` after "optimizer/".
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

/// The scope of a scalar.
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
    Slot { name, content: Content::Moment, initial: Initial::Zero, derived: None, pulls_back: false }
}

/// The first moment, "momentum", which Lookahead resets or pulls back with the parameter.
pub const fn momentum() -> Slot {
    Slot { pulls_back: true, ..moment("momentum") }
}

/// A non-negative moment called `name`.
pub const fn square(name: &'static str) -> Slot {
    Slot { content: Content::Square, ..moment(name) }
}

/// A state called `name` that is never narrowed.
pub const fn full(name: &'static str) -> Slot {
    Slot { content: Content::Full, ..moment(name) }
}

/// A second moment that is kept as the moments of rows and columns, under these names.
pub const fn factored(row: &'static str, column: &'static str) -> Slot {
    let derived = Derived::Factored { names: [row, column], after_sums: false };
    Slot { content: Content::Derived, derived: Some(derived), ..moment("") }
}

/// A coefficient for each row, which follows from sums over the row.
pub const fn row_coefficient() -> Slot {
    Slot { content: Content::Derived, derived: Some(Derived::Row), ..moment("") }
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

    /// Names of its arrays of state, as in `state_dict`.
    pub fn states(&self) -> &[&'static str] {
        match &self.derived {
            None => std::slice::from_ref(&self.name),
            Some(Derived::Factored { names, .. }) => names,
            Some(Derived::Row) => &[],
        }
    }

    /// A factored moment that is updated after the sums over the tensor are known.
    pub const fn after_sums(self) -> Slot {
        match self.derived {
            Some(Derived::Factored { names, .. }) => {
                Slot { derived: Some(Derived::Factored { names, after_sums: true }), ..self }
            }
            _ => self,
        }
    }
}
