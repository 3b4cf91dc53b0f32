//! The kinds of responses of a binomial family.

/// Form of the responses of a binomial family, and the place of its trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trials {
    /// 0 or 1 in each row.
    Single,
    /// Proportions, with the trials as weights.
    Several,
    /// Successes and failures, as shares of the trials (inputs 0 and 4), which are the weights.
    Counted,
    /// The same, with the trials in a column of their own (input 3) beside their products with the prior weights.
    CountedAndWeighted,
}

impl Trials {
    /// True for two responses, the numbers of successes and of failures.
    pub fn are_counted(self) -> bool {
        matches!(self, Trials::Counted | Trials::CountedAndWeighted)
    }

    /// The trials of rows: of two responses, the `counts` of successes and failures; with prior weights beside them; of one
    /// response, whether each y is 0 or 1.
    pub fn of(counts: bool, weights: bool, binary: bool) -> Trials {
        match (counts, weights) {
            (true, true) => Trials::CountedAndWeighted,
            (true, false) => Trials::Counted,
            (false, _) if binary => Trials::Single,
            (false, _) => Trials::Several,
        }
    }
}
