//! Bases of columns whose values are too many to keep: what is known of them between scans.

use nelder_device::Dd;

use super::functions::basis::Basis;
use super::functions::order_search::OrderSearch;
use super::functions::poly::{PolyBasis, add_distinct};
use super::functions::splines::{SplineBasis, SplineRule};
use super::node::{Node, NodeKind};

/// Values of a column that are kept for its basis at most: 32 MB.
pub(super) const KEPT: u64 = 4_000_000;

/// A basis in the making.
pub(super) enum Search {
    Poly(PolySearch),
    Spline(SplineSearch),
}

/// Part of a basis in the making that a batch adds.
pub(super) enum Told {
    Poly(PolyPart),
    Spline(SplinePart),
}

impl Search {
    /// The search for the basis of a node; `None` where it has none that can be found without all values.
    pub fn of(node: &Node) -> Option<Search> {
        match &node.kind {
            NodeKind::Basis(_, Basis::Poly(degree, _)) => Some(Search::Poly(PolySearch {
                degree: *degree,
                basis: None,
            })),
            NodeKind::Basis(_, Basis::Spline(rule, _)) => Some(Search::Spline(SplineSearch {
                rule: rule.clone(),
                boundary: None,
                order: OrderSearch::new(),
                places: Vec::new(),
            })),
            _ => None,
        }
    }

    /// Looks at the values of a batch, of which the first is row `first`.
    pub fn look(&self, values: &[f64], first: u64) -> Told {
        match self {
            Search::Poly(search) => Told::Poly(search.look(values, first)),
            Search::Spline(search) => Told::Spline(search.look(values)),
        }
    }

    /// Takes in what the batches of a scan told, in their order; true where the node has its basis now, false where another scan is needed.
    ///
    /// # Errors
    /// Values that have no such basis.
    pub fn take_in(&mut self, node: &mut Node, told: Vec<Told>) -> Result<bool, String> {
        match (self, &mut node.kind) {
            (Search::Poly(search), NodeKind::Basis(_, Basis::Poly(_, state))) => {
                let parts = told.into_iter().filter_map(|t| match t {
                    Told::Poly(part) => Some(part),
                    Told::Spline(_) => None,
                });
                *state = search.take_in(parts.collect())?;
                Ok(state.is_some())
            }
            (Search::Spline(search), NodeKind::Basis(_, Basis::Spline(_, state))) => {
                let parts = told.into_iter().filter_map(|t| match t {
                    Told::Spline(part) => Some(part),
                    Told::Poly(_) => None,
                });
                *state = search.take_in(parts.collect())?;
                Ok(state.is_some())
            }
            _ => Ok(true),
        }
    }
}

/// Orthogonal polynomials, one more with each scan.
pub(super) struct PolySearch {
    degree: usize,
    basis: Option<PolyBasis>,
}

/// Sums of a batch for the next polynomial; before there is any, Σx for their centre and what else is to be known of x.
#[derive(Default)]
pub(super) struct PolyPart {
    rows: u64,
    sums: (Dd, Dd),
    missing: Option<u64>,
    infinite: Option<u64>,
    distinct: Vec<f64>,
}

impl PolySearch {
    fn look(&self, values: &[f64], first: u64) -> PolyPart {
        if let Some(basis) = &self.basis {
            return PolyPart {
                sums: basis.sums(values, basis.known()),
                ..PolyPart::default()
            };
        }
        let row = |at: usize| first + at as u64;
        let mut part = PolyPart {
            rows: values.len() as u64,
            missing: values.iter().position(|x| x.is_nan()).map(row),
            infinite: values.iter().position(|x| x.is_infinite()).map(row),
            ..PolyPart::default()
        };
        if part.missing.is_none() && part.infinite.is_none() {
            part.sums.0 = values.iter().copied().sum();
        }
        add_distinct(&mut part.distinct, values, self.degree + 1);
        part
    }

    fn take_in(&mut self, parts: Vec<PolyPart>) -> Result<Option<PolyBasis>, String> {
        let sums = parts.iter().fold((Dd::ZERO, Dd::ZERO), |(a, b), part| {
            (a + part.sums.0, b + part.sums.1)
        });
        let Some(basis) = &mut self.basis else {
            let first = |of: fn(&PolyPart) -> Option<u64>| parts.iter().filter_map(of).min();
            let mut all = PolyPart::default();
            for part in &parts {
                all.rows += part.rows;
                add_distinct(&mut all.distinct, &part.distinct, self.degree + 1);
            }
            PolyBasis::check(
                first(|p| p.missing),
                first(|p| p.infinite),
                all.distinct.len(),
                self.degree,
            )?;
            self.basis = Some(PolyBasis::about(sums.0 / all.rows as f64));
            return Ok(None);
        };
        basis.add(sums);
        Ok((basis.known() > self.degree).then(|| basis.clone().of_degree(self.degree)))
    }
}

/// Knots at quantiles.
pub(super) struct SplineSearch {
    rule: SplineRule,
    boundary: Option<[f64; 2]>,
    order: OrderSearch,
    /// For each knot, how far it is between the values of two ranks.
    places: Vec<f64>,
}

/// The least and the largest value of a batch, and those of its values that are gathered.
pub(super) struct SplinePart {
    range: [f64; 2],
    gathered: Vec<f64>,
}

impl SplineSearch {
    fn look(&self, values: &[f64]) -> SplinePart {
        // minimum and maximum leave NaN out
        let range = values
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &x| {
                [low.min(x), high.max(x)]
            });
        let [low, high] = self.rule.boundary.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        let inside = values.iter().copied().filter(|&x| x >= low && x <= high);
        SplinePart {
            range,
            gathered: self.order.look(inside),
        }
    }

    /// The basis, once its knots are known.
    fn take_in(&mut self, parts: Vec<SplinePart>) -> Result<Option<SplineBasis>, String> {
        let boundary = match self.boundary {
            Some(known) => known,
            None => {
                let range = parts
                    .iter()
                    .fold([f64::INFINITY, f64::NEG_INFINITY], |all, part| {
                        [all[0].min(part.range[0]), all[1].max(part.range[1])]
                    });
                let boundary = self.rule.boundary_of(range)?;
                if let Some(inner) = self.rule.given() {
                    return Ok(Some(self.rule.basis(inner, boundary)));
                }
                let (ranks, places) = self.rule.ranks(self.order.total())?;
                self.order.seek(&ranks);
                self.places = places;
                *self.boundary.insert(boundary)
            }
        };
        let gathered = parts.into_iter().flat_map(|part| part.gathered).collect();
        let knots = |values: Vec<f64>| {
            let pairs = values.chunks_exact(2).zip(&self.places);
            pairs
                .map(|(pair, &part)| SplineRule::between(pair[0], pair[1], part))
                .collect()
        };
        let found = self.order.next(gathered);
        Ok(found.map(|values| self.rule.basis(knots(values), boundary)))
    }
}
