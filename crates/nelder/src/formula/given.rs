//! Contrasts that are a matrix of numbers: R's `contrasts(f, how.many) <- matrix`.

use serde::{Deserialize, Serialize};

use super::ContrastError;

/// A contrast matrix given by its entries: levels x columns, of any shape.
///
/// ```
/// use nelder::formula::{Contrast, GivenContrasts};
/// let one = GivenContrasts::new(4, vec![1.0, -1.0, 0.0, 0.0], Some(vec!["ab".into()])).unwrap();
/// let matrix = Contrast::Given(one).matrix(4).unwrap();
/// assert_eq!((matrix.levels(), matrix.columns()), (4, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenContrasts {
    levels: usize,
    /// Column by column.
    values: Vec<f64>,
    /// Suffix that each column appends to the name of the variable.
    suffixes: Vec<String>,
}

impl GivenContrasts {
    /// A matrix of `levels` rows, its values column by column. Columns without names are numbered.
    ///
    /// # Errors
    /// No values; values that are no whole number of columns or not finite; names of another number.
    pub fn new(levels: usize, values: Vec<f64>, names: Option<Vec<String>>) -> Result<Self, ContrastError> {
        let problem = |why: String| Err(ContrastError::Matrix { why });
        if levels == 0 || values.is_empty() || !values.len().is_multiple_of(levels) {
            return problem(format!("{} numbers for {levels} levels", values.len()));
        }
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return problem(format!(
                "row {}, column {} is {}, no finite number",
                at % levels + 1,
                at / levels + 1,
                values[at]
            ));
        }
        let columns = values.len() / levels;
        let suffixes = match names {
            None => (1..=columns).map(|k| k.to_string()).collect(),
            Some(names) if names.len() == columns => names,
            Some(names) => return problem(format!("{} names for {columns} columns", names.len())),
        };
        Ok(GivenContrasts {
            levels,
            values,
            suffixes,
        })
    }

    /// Number of levels (rows).
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.suffixes.len()
    }

    /// The entries, column by column.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Returns the suffix that each column appends to the name of the variable.
    pub fn suffixes(&self) -> &[String] {
        &self.suffixes
    }

    /// The matrix with as many columns as asked for, R's `contrasts(f, how.many)`: the first of them, or where it has
    /// fewer, all of them and columns orthogonal to these and to the constant, up to one less than levels.
    ///
    /// # Errors
    /// A matrix that is to be completed and whose columns depend on each other or on the constant; columns with
    /// names completed beyond one less than levels.
    pub fn how_many(mut self, wanted: usize) -> Result<Self, ContrastError> {
        let (n, own) = (self.levels, self.columns());
        if wanted <= own {
            self.values.truncate(n * wanted);
            self.suffixes.truncate(wanted);
            return Ok(self);
        }
        let numbered = self
            .suffixes
            .iter()
            .enumerate()
            .all(|(k, s)| *s == (k + 1).to_string());
        if !numbered && wanted >= n {
            let why = format!(
                "{wanted} columns are asked for, and {n} levels have {} at most",
                n - 1
            );
            return Err(ContrastError::Matrix { why });
        }
        let mut design = vec![1.0; n];
        design.extend(&self.values);
        let Some(rest) = orthogonal_complement(n, design) else {
            return Err(ContrastError::Matrix {
                why: "its columns depend on each other or on the constant, so that it cannot be completed"
                    .into(),
            });
        };
        self.values.extend(rest);
        let columns = self.values.len() / n;
        self.suffixes = match numbered {
            true => (1..=columns).map(|k| k.to_string()).collect(),
            false => {
                self.suffixes.resize(columns, String::new());
                self.suffixes
            }
        };
        Ok(self)
    }
}

/// The columns n − k, …, n of Q in the decomposition QR of an n x k matrix by Householder reflections, with R's signs
/// (LINPACK's `dqrdc`); `None` where the matrix is not of full rank.
fn orthogonal_complement(n: usize, mut a: Vec<f64>) -> Option<Vec<f64>> {
    let k = a.len() / n;
    let mut reflections: Vec<Vec<f64>> = Vec::new();
    let reflect = |v: &[f64], x: &mut [f64]| {
        let at = n - v.len();
        let dot: f64 = v.iter().zip(&x[at..]).map(|(a, b)| a * b).sum();
        let square: f64 = v.iter().map(|a| a * a).sum();
        let t = 2.0 * dot / square;
        v.iter().zip(&mut x[at..]).for_each(|(v, x)| *x -= t * v);
    };
    for j in 0..k {
        let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let whole = norm(&a[j * n..(j + 1) * n]);
        for v in &reflections {
            reflect(v, &mut a[j * n..(j + 1) * n]);
        }
        let mut v = a[j * n + j.min(n - 1)..(j + 1) * n].to_vec();
        let left = norm(&v);
        // R's tolerance for dependent columns
        if j >= n || left <= 1e-7 * whole {
            return None;
        }
        v[0] += left.copysign(v[0]);
        reflections.push(v);
    }
    let mut out = Vec::with_capacity(n * n.saturating_sub(k));
    for column in k..n {
        let mut x = vec![0.0; n];
        x[column] = 1.0;
        for v in reflections.iter().rev() {
            reflect(v, &mut x);
        }
        out.extend(x);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_columns_are_completed_as_r_does() {
        let given = GivenContrasts::new(4, vec![1.0, -1.0, 0.0, 0.0], None).unwrap();
        assert_eq!(given.clone().how_many(1).unwrap(), given);
        // R: contrasts(C(factor(letters[1:4]), c(1, -1, 0, 0)))
        let all = given.how_many(3).unwrap();
        let (a, b, c) = (-0.3535533905932738, 0.8535533905932738, -0.1464466094067262);
        let want = [1.0, -1.0, 0.0, 0.0, a, a, b, c, a, a, c, b];
        for (got, want) in all.values().iter().zip(want) {
            assert!((got - want).abs() < 4.0 * f64::EPSILON, "{got} {want}");
        }
        assert_eq!(all.suffixes(), ["1", "2", "3"]);
        let named = GivenContrasts::new(4, vec![1.0, -1.0, 0.0, 0.0], Some(vec!["ab".into()])).unwrap();
        assert_eq!(named.how_many(3).unwrap().suffixes(), ["ab", "", ""]);
    }

    #[test]
    fn a_completion_is_orthonormal_and_orthogonal_to_what_it_completes() {
        let mut state = 1u64;
        let mut next = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        };
        for n in 2..9 {
            for k in 1..n - 1 {
                let values: Vec<f64> = (0..n * k).map(|_| next()).collect();
                let all = GivenContrasts::new(n, values, None)
                    .unwrap()
                    .how_many(n - 1)
                    .unwrap();
                let column = |j: usize| &all.values()[j * n..(j + 1) * n];
                for j in k..n - 1 {
                    // n products of numbers up to 1, each reflection with a few roundings
                    let tolerance = 8.0 * (n * n) as f64 * f64::EPSILON;
                    assert!(column(j).iter().sum::<f64>().abs() < tolerance);
                    for i in 0..=j {
                        let dot: f64 = column(i).iter().zip(column(j)).map(|(a, b)| a * b).sum();
                        assert!((dot - f64::from(i == j)).abs() < tolerance, "{n} {k} {i} {j}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_contrast_matrix() {
        let error = |levels, values: &[f64]| {
            GivenContrasts::new(levels, values.to_vec(), None)
                .unwrap_err()
                .to_string()
        };
        assert!(error(3, &[1.0, 2.0]).contains("2 numbers for 3 levels"));
        assert!(error(2, &[1.0, f64::NAN]).contains("row 2, column 1"));
        let constant = GivenContrasts::new(4, vec![2.0; 4], None).unwrap();
        assert!(constant.how_many(3).unwrap_err().to_string().contains("depend"));
    }
}
