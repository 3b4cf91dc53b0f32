//! A formula joined to data: names become columns, expressions become values, rows become blocks.
//!
//! [`Variables`] binds the expressions of a formula to the columns of a source and evaluates them batch by
//! batch; [`Layout`] says what the terms take from them; [`Rows`] leaves out incomplete rows and gives
//! [`Block`]s; [`Columns`] names the columns of the model matrix once the levels are known. Names end here.

mod absorbable;
mod arithmetic;
mod batch_memory;
mod bind;
mod block;
mod codes;
mod column_encoding;
mod columns;
mod combinations;
mod complete;
mod constant;
mod design_error;
mod elsewhere;
mod error;
mod evaluate;
mod fingerprint;
mod functions;
mod kept_blocks;
mod layout;
mod level_book;
mod node;
mod ordered_scan;
mod prepare;
mod room;
mod rounding;
mod row_counts;
mod rows;
mod search;
mod value;
mod variables;

pub use block::{Block, BlockSchema, Group};
pub use column_encoding::{
    AbsorbedTerm, ColumnEncoding, ColumnKind, ContrastRow, Elimination, Parametrization,
};
pub use columns::{Columns, UsedLevels, Variable};
pub(crate) use complete::{infinite_in, missing_in};
pub use design_error::DesignError;
pub use error::{BindError, EvaluateError, UnknownName};
pub use fingerprint::Fingerprint;
pub use kept_blocks::PassBlock;
pub use layout::{Layout, PlannedTerm, is_factor};
pub use level_book::{CodeMaps, LevelBook};
pub(crate) use room::human_size;
pub use room::{Lack, Room};
pub use row_counts::RowCounts;
pub use rows::{Missing, Roles, RowError, Rows};
pub use value::{Numbers, Precision, Shape, Value};
pub use variables::{Variables, VariablesState};
