//! Risk sets of survival times: for each row, the event times at which it is at risk.
//!
//! A row with times (start, stop] is at risk at an event time t of its stratum where start < t ≤ stop. Event times are numbered by stratum, and
//! within one in their order, so that the event times of a row are consecutive numbers. After they are known, no time is looked at again.

/// Survival times of rows, (start, stop], and what they are of.
#[derive(Clone, Debug, Default)]
pub(super) struct SurvivalTimes {
    /// Times after which rows are at risk; `None` where they are from the beginning.
    pub start: Option<Vec<f64>>,
    /// Times until which rows are at risk.
    pub stop: Vec<f64>,
    /// True where a row has its event at `stop`; the others are censored.
    pub event: Vec<bool>,
    /// A number for each stratum; `None` for one.
    pub stratum: Option<Vec<f64>>,
}

impl SurvivalTimes {
    /// Tests if all rows are of one stratum, at risk from the beginning.
    pub fn is_plain(&self) -> bool {
        self.start.is_none() && self.stratum.is_none()
    }

    /// The rows by stratum and stop.
    pub fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.stop.len() as u32).collect();
        let stratum = |i: usize| self.stratum.as_ref().map_or(0.0, |s| s[i]);
        order.sort_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            let by_stratum = stratum(a).total_cmp(&stratum(b));
            by_stratum.then(self.stop[a].total_cmp(&self.stop[b]))
        });
        order
    }

    /// The same of some rows, in their order.
    pub fn gathered(&self, rows: &[u32]) -> SurvivalTimes {
        let take = |x: &Vec<f64>| rows.iter().map(|&i| x[i as usize]).collect();
        SurvivalTimes {
            start: self.start.as_ref().map(take),
            stop: take(&self.stop),
            event: rows.iter().map(|&i| self.event[i as usize]).collect(),
            stratum: self.stratum.as_ref().map(take),
        }
    }
}

/// For each row the numbers of the event times at which it is at risk.
#[derive(Clone, Debug)]
pub(super) struct RiskSets {
    /// The first event time after a row's start.
    pub entry: Vec<u32>,
    /// One beyond the last event time up to a row's stop; a row with an event has it at the last.
    pub exit: Vec<u32>,
    /// True where a row has an event.
    pub event: Vec<bool>,
    /// By stratum: its rows from and to, and its event times from and to.
    pub strata: Vec<Stratum>,
    /// True if rows enter after the first event time of their stratum.
    pub delayed: bool,
    /// Number of event times.
    pub times: usize,
}

/// Consecutive rows and event times of a stratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stratum {
    /// Its rows, from and to.
    pub rows: (usize, usize),
    /// Its event times, from and to.
    pub times: (usize, usize),
}

impl RiskSets {
    /// Of rows in the order of [`SurvivalTimes::order`].
    pub fn new(of: &SurvivalTimes) -> Self {
        let n = of.stop.len();
        let mut sets = RiskSets {
            entry: vec![0; n],
            exit: vec![0; n],
            event: of.event.clone(),
            strata: Vec::new(),
            delayed: false,
            times: 0,
        };
        let mut from = 0;
        while from < n {
            let to = match &of.stratum {
                None => n,
                Some(s) => from + s[from..].partition_point(|v| *v <= s[from]),
            };
            sets.add_stratum(of, from, to);
            from = to;
        }
        sets
    }

    fn add_stratum(&mut self, of: &SurvivalTimes, from: usize, to: usize) {
        let mut times: Vec<f64> = Vec::new();
        for i in (from..to).filter(|&i| of.event[i]) {
            if times.last() != Some(&of.stop[i]) {
                times.push(of.stop[i]);
            }
        }
        let first = self.times;
        for i in from..to {
            // t ≤ stop, and t > start
            self.exit[i] = (first + times.partition_point(|t| *t <= of.stop[i])) as u32;
            let before = of
                .start
                .as_ref()
                .map_or(0, |s| times.partition_point(|t| *t <= s[i]));
            self.entry[i] = (first + before) as u32;
            self.delayed |= before > 0;
        }
        self.times += times.len();
        self.strata.push(Stratum {
            rows: (from, to),
            times: (first, self.times),
        });
    }

    /// True if a row is ever at risk.
    pub fn is_at_risk(&self, row: usize) -> bool {
        self.entry[row] < self.exit[row]
    }

    /// The rows of a stratum that are at risk at some time of it and enter after its first, by the time at which they enter, ascending.
    pub fn late_entries(&self, stratum: &Stratum) -> Vec<u32> {
        let first = stratum.times.0 as u32;
        let rows = stratum.rows.0 as u32..stratum.rows.1 as u32;
        let mut late: Vec<u32> = rows
            .filter(|&i| self.entry[i as usize] > first && self.is_at_risk(i as usize))
            .collect();
        late.sort_by_key(|&i| self.entry[i as usize]);
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_at_risk_after_their_start_and_until_their_stop() {
        let times = SurvivalTimes {
            start: Some(vec![0.0, 2.0, 0.0, 3.0, 0.0]),
            stop: vec![4.0, 3.0, 2.0, 5.0, 1.0],
            event: vec![true, true, true, false, true],
            stratum: Some(vec![1.0, 1.0, 1.0, 1.0, 0.0]),
        };
        let order = times.order();
        assert_eq!(order, [4, 2, 1, 0, 3]);
        let sets = RiskSets::new(&times.gathered(&order));
        assert_eq!(sets.times, 4);
        // events at 1 in the first stratum, at 2, 3 and 4 in the second
        assert_eq!(sets.entry, [0, 1, 2, 1, 3]);
        assert_eq!(sets.exit, [1, 2, 3, 4, 4]);
        assert!(sets.delayed);
        assert_eq!(
            sets.strata,
            [
                Stratum {
                    rows: (0, 1),
                    times: (0, 1)
                },
                Stratum {
                    rows: (1, 5),
                    times: (1, 4)
                }
            ]
        );
        assert_eq!(sets.late_entries(&sets.strata[1]), [2, 4]);
    }
}
