//! Families by their names in R: link, variance, criteria, the range of the response.

use serde::{Deserialize, Serialize};

use super::{Link, Variance};

/// Which of R's families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FamilyName {
    /// `gaussian`
    Gaussian,
    /// `binomial`
    Binomial,
    /// `poisson`
    Poisson,
    /// `Gamma`
    Gamma,
    /// `inverse.gaussian`
    InverseGaussian,
    /// `quasi`
    Quasi,
    /// `quasibinomial`
    Quasibinomial,
    /// `quasipoisson`
    Quasipoisson,
    /// `negative.binomial` of MASS, and its `glm.nb`
    NegativeBinomial,
    /// `tweedie` of statmod
    Tweedie,
}

/// Likelihood that Akaike's criterion of a fit is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// Of a normal distribution.
    Gaussian,
    /// Of binomial counts.
    Binomial,
    /// Of Poisson counts.
    Poisson,
    /// Of a gamma distribution.
    Gamma,
    /// Of an inverse Gaussian distribution.
    InverseGaussian,
    /// Of negative binomial counts.
    NegativeBinomial,
    /// A quasi-likelihood has none.
    None,
}

/// A family of distributions with its link.
///
/// ```
/// use nelder::family::{Family, Link};
/// let family: Family = "binomial(probit)".parse().unwrap();
/// assert_eq!((family.label().as_str(), family.link), ("binomial", Link::Probit));
/// assert!("binomial(square)".parse::<Family>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Which.
    pub name: FamilyName,
    /// The link.
    pub link: Link,
    /// The variance function.
    pub variance: Variance,
    /// True if θ of a negative binomial is estimated, as R's `glm.nb` does.
    pub estimated: bool,
}

impl Family {
    /// A family with its own variance.
    pub(super) fn new(name: FamilyName, link: Link, variance: Variance) -> Family {
        Family {
            name,
            link,
            variance,
            estimated: false,
        }
    }

    /// The binomial family with the logit link.
    pub fn binomial() -> Family {
        Family::new(FamilyName::Binomial, Link::Logit, Variance::Binomial)
    }

    /// The Poisson family with the log link.
    pub fn poisson() -> Family {
        Family::new(FamilyName::Poisson, Link::Log, Variance::Power(1.0))
    }

    /// The normal family with the identity link.
    pub fn gaussian() -> Family {
        Family::new(FamilyName::Gaussian, Link::Identity, Variance::Constant)
    }

    /// The same family with another θ; nothing changes for other families.
    pub fn with_theta(mut self, theta: f64) -> Family {
        if let Variance::NegativeBinomial(own) = &mut self.variance {
            *own = theta;
        }
        self
    }

    /// θ of a negative binomial.
    pub fn theta(&self) -> Option<f64> {
        match self.variance {
            Variance::NegativeBinomial(theta) => Some(theta),
            _ => None,
        }
    }

    /// Returns R's name of the family.
    pub fn label(&self) -> String {
        match self.name {
            FamilyName::Gaussian => "gaussian".into(),
            FamilyName::Binomial => "binomial".into(),
            FamilyName::Poisson => "poisson".into(),
            FamilyName::Gamma => "Gamma".into(),
            FamilyName::InverseGaussian => "inverse.gaussian".into(),
            FamilyName::Quasi => "quasi".into(),
            FamilyName::Quasibinomial => "quasibinomial".into(),
            FamilyName::Quasipoisson => "quasipoisson".into(),
            FamilyName::Tweedie => "Tweedie".into(),
            FamilyName::NegativeBinomial => {
                let theta = self.theta().unwrap_or(f64::NAN);
                format!("Negative Binomial({})", (theta * 1e4).round_ties_even() / 1e4)
            }
        }
    }

    /// The call that makes the family, as a user writes it.
    pub fn call(&self) -> String {
        let link = self.link.name();
        match self.name {
            FamilyName::NegativeBinomial if self.estimated => format!("negative.binomial(link = {link})"),
            FamilyName::NegativeBinomial => {
                format!(
                    "negative.binomial({}, link = {link})",
                    self.theta().unwrap_or(f64::NAN)
                )
            }
            FamilyName::Quasi => format!("quasi(link = {link}, variance = {})", self.variance.name()),
            FamilyName::Tweedie => match self.variance {
                Variance::Power(k) => format!("tweedie({k}, link = {link})"),
                _ => format!("tweedie(0, link = {link})"),
            },
            _ => format!("{}(link = {link})", self.label()),
        }
    }

    /// Tests if the dispersion is known to be one: the table of coefficients then has z statistics.
    pub fn known_dispersion(&self) -> bool {
        matches!(self.name, FamilyName::Binomial | FamilyName::Poisson) || self.estimated
    }

    /// Tests if the responses are proportions: 0 and 1, two levels, or successes and failures.
    pub fn is_binomial(&self) -> bool {
        matches!(self.name, FamilyName::Binomial | FamilyName::Quasibinomial)
    }

    /// Returns the likelihood that its Akaike criterion is computed from.
    pub fn criterion(&self) -> Criterion {
        match self.name {
            FamilyName::Gaussian => Criterion::Gaussian,
            FamilyName::Binomial => Criterion::Binomial,
            FamilyName::Poisson => Criterion::Poisson,
            FamilyName::Gamma => Criterion::Gamma,
            FamilyName::InverseGaussian => Criterion::InverseGaussian,
            FamilyName::NegativeBinomial => Criterion::NegativeBinomial,
            FamilyName::Quasi
            | FamilyName::Quasibinomial
            | FamilyName::Quasipoisson
            | FamilyName::Tweedie => Criterion::None,
        }
    }

    /// Tests if all responses lie in the interval of which [`refuses`](Self::refuses) refuses none; a quick test by the smallest
    /// and the largest, which may say no where that one finds nothing.
    pub fn accepts(&self, y: &[f64], start: bool) -> bool {
        let (low, high) = y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &y| {
            (a.min(y), b.max(y))
        });
        // NaN is none of these: responses are complete
        let strictly = [low, high, 0.5 * (low + high)];
        strictly.iter().all(|&y| self.refuses(y, start).is_none())
    }

    /// The mean that R's families start from, where it depends on the response alone.
    fn first_mean(&self, y: f64) -> f64 {
        match (self.name, self.variance) {
            (FamilyName::Poisson | FamilyName::Quasipoisson, _) => y + 0.1,
            (_, Variance::NegativeBinomial(_)) if y == 0.0 => 1.0 / 6.0,
            (FamilyName::Quasi | FamilyName::Tweedie, Variance::Power(_)) if y == 0.0 => 0.1,
            _ => y,
        }
    }

    /// Returns the reason to refuse a response, `None` for one in range; `start` says if it is also the mean to start from.
    pub fn refuses(&self, y: f64, start: bool) -> Option<&'static str> {
        let from_zero = "must not be negative";
        let above_zero = "must be above 0";
        match (self.name, self.variance) {
            (_, Variance::Binomial) if !(0.0..=1.0).contains(&y) => Some("must be from 0 to 1"),
            (FamilyName::Gamma | FamilyName::InverseGaussian, _) if !(y > 0.0) => Some(above_zero),
            (FamilyName::Tweedie, Variance::Power(k)) if k >= 2.0 && !(y > 0.0) => Some(above_zero),
            (FamilyName::Tweedie, Variance::Power(k)) if k < 1.0 => None,
            (_, Variance::Power(_) | Variance::NegativeBinomial(_)) if !(y >= 0.0) => Some(from_zero),
            (_, Variance::Power(_) | Variance::NegativeBinomial(_))
                if start && self.link.is_bounded() && !(self.first_mean(y) < 1.0) =>
            {
                Some("must be below 1 to start from with this link; give starting values")
            }
            _ => None,
        }
    }
}
