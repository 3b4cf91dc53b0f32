//! Terms and columns joined: what each row of a model consists of. Names end here.

mod block;
mod columns;
mod combinations;
mod error;
mod layout;
mod map;
mod rows;

pub use block::{Atoms, Block, Group};
pub use columns::{Columns, UsedLevels, Variable};
pub use error::DesignError;
pub use layout::{Layout, PlannedTerm, is_factor};
pub use map::{AbsorbedTerm, ColumnKind, ContrastRow, Map, Parametrization};
pub use rows::{Missing, Roles, RowError, Rows};
