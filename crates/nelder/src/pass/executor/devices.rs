//! Devices as an executor: they share the rows, which stay there where they fit, and come in parts where they do not.

use std::sync::Arc;

use nelder_device::{DeviceError, GlmKernels, LinearAlgebra};

use super::cost::{Plan, Work};
use super::threads::Threads;
use crate::design::{RowCounts, Rows};
use crate::pass::device::{
    DeviceColumns, DeviceRows, at_once, bytes_of_row, joined, scanned, streamed, together,
};
use crate::pass::session::{Executor, Opened, Opening, Pass, Session};
use crate::pass::statistic::{AnyStatistic, ErasedSum, PassLabel};
use crate::pass::sums::widen;
use crate::pass::{Course, PassError, PassRecord, Ran, Reduced, Sum, Worker};

/// Part of a device's free memory that rows may take.
const SHARE: f64 = 0.7;
/// The same of rows that come in parts, each beside what the one before it has left.
const PART: f64 = 0.25;
/// Rows of a part at least.
const LEAST_PART: usize = 1024;

/// Devices that share the rows, consecutive ones on each.
///
/// ```
/// use std::sync::Arc;
/// use nelder::frame::Frame;
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::{Devices, NoProgress, Run};
/// use nelder_device::Host;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// // any backend, such as `nelder_cuda::Cuda::open(0)?`; several share the rows
/// let both = Devices::new(vec![Arc::new(Host::default()), Arc::new(Host::default())])?;
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, Run::on(Arc::new(both), &NoProgress))?;
/// assert!((fit.responses[0].coefficients[1] - 1.96).abs() < 1e-13);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Devices {
    devices: Vec<Arc<dyn GlmKernels>>,
}

impl Devices {
    /// These devices, of which there is at least one. The same may stand twice.
    ///
    /// # Errors
    /// [`DeviceError::Absent`] where there is none.
    pub fn new(devices: Vec<Arc<dyn GlmKernels>>) -> Result<Devices, DeviceError> {
        match devices.is_empty() {
            true => Err(DeviceError::Absent {
                device: "devices".into(),
                why: "none was named".into(),
            }),
            false => Ok(Devices { devices }),
        }
    }

    /// One device.
    pub fn one(device: Arc<dyn GlmKernels>) -> Devices {
        Devices {
            devices: vec![device],
        }
    }

    /// The devices.
    pub fn devices(&self) -> &[Arc<dyn GlmKernels>] {
        &self.devices
    }

    /// The plan of a fit there.
    pub(super) fn plan(&self, work: &Work, threads: usize) -> Plan {
        let id = joined(self.devices.iter().map(|d| d.describe().id));
        let rates: Vec<_> = self.devices.iter().map(|d| d.rates()).collect();
        Plan::on_devices(work, &id, &rates, threads)
    }

    /// Bytes that are free, where that is known: as much as the device with the least has, on each.
    fn room(&self) -> Option<u64> {
        let least = self.devices.iter().filter_map(|d| d.room()).min();
        least.map(|room| room.saturating_mul(self.devices.len() as u64))
    }

    /// A session whose rows come in parts, of a size for the memory that is free.
    fn in_parts(&self, rows: &Rows<'_>, free: u64) -> Arc<dyn Session> {
        let most = (PART * free as f64 / bytes_of_row(rows) as f64) as usize;
        Arc::new(InParts {
            devices: self.devices.clone(),
            most: most.max(LEAST_PART),
        })
    }

    /// A session on the rows, without a plan.
    ///
    /// # Errors
    /// As [`Executor::open`].
    pub(super) fn session(&self, rows: &Rows<'_>, opening: &Opening<'_>) -> Result<Opened, PassError> {
        // more rows than the devices have room for come in parts
        if !rows.is_there()
            && let (Some(n), Some(free)) = (rows.source().rows(), self.room())
            && n as f64 * bytes_of_row(rows) as f64 > SHARE * free as f64
        {
            return Ok((self.in_parts(rows, free), Vec::new()));
        }
        let mut records = Vec::new();
        if let Some((columns, record)) = DeviceColumns::in_place(rows, &self.devices)? {
            records.extend(record);
            let n: u64 = columns.iter().map(|c| c.rows as u64).sum();
            let counts = RowCounts {
                read: n,
                used: n,
                ..RowCounts::default()
            };
            let (session, moments) = Resident::new(columns, counts, opening.course)?;
            records.extend(moments);
            if session.shards.iter().all(DeviceRows::is_plain) && session.accepted(opening)? {
                let responses = session.shards[0].resident.responses.len();
                rows.set_scales(vec![1.0; rows.layout().products.len() + responses]);
                return Ok((Arc::new(session), records));
            }
        }
        let loaded = scanned(rows, &self.devices, opening).and_then(|(columns, record, counts)| {
            let (session, moments) = Resident::new(columns, counts, opening.course)?;
            Ok((session, record, moments))
        });
        match loaded {
            Ok((session, record, moments)) => {
                records.push(record);
                records.extend(moments);
                Ok((Arc::new(session), records))
            }
            Err(PassError::Device(DeviceError::Memory { free, .. })) => {
                Ok((self.in_parts(rows, free), records))
            }
            Err(error) => Err(error),
        }
    }
}

impl Executor for Devices {
    fn open(&self, rows: &Rows<'_>, opening: &Opening<'_>) -> Result<Opened, PassError> {
        let work = Work::of(rows, opening.course);
        opening
            .monitor
            .planned(&self.plan(&work, rows.source().workers()));
        self.session(rows, opening)
    }
}

/// Rows that stay on devices: a shard on each.
struct Resident {
    shards: Vec<DeviceRows>,
    counts: RowCounts,
}

impl Resident {
    /// Looks through the columns of each device, for a course.
    fn new(
        columns: Vec<DeviceColumns>,
        counts: RowCounts,
        course: Course,
    ) -> Result<(Resident, Vec<PassRecord>), PassError> {
        let (shards, records) = looked_through(columns, course)?;
        Ok((Resident { shards, counts }, together(records)))
    }

    /// Tests if the responses may have the values that they have.
    fn accepted(&self, opening: &Opening<'_>) -> Result<bool, DeviceError> {
        let Some(accepts) = opening.accepts else {
            return Ok(true);
        };
        let mut all: Vec<[f64; 2]> = Vec::new();
        for shard in &self.shards {
            widen(&mut all, shard.response_ranges()?.into_iter());
        }
        Ok(accepts(&all))
    }
}

impl Session for Resident {
    fn reduce_any(&self, rows: &Rows<'_>, pass: &Pass<'_, dyn AnyStatistic + '_>) -> Ran<ErasedSum> {
        let Some((value, records)) = summed(&self.shards, pass.statistic, pass.label)? else {
            return Threads.reduce_any(rows, pass);
        };
        let read = records.first().map_or(0, |record| record.rows);
        if read > 0 && !pass.monitor.advance(pass.label.name, read, Some(read)) {
            return Err(PassError::Interrupted);
        }
        Ok(Reduced {
            value,
            counts: self.counts.clone(),
            records,
        })
    }

    fn device_rows(&self) -> &[DeviceRows] {
        &self.shards
    }

    fn device(&self) -> Option<&dyn LinearAlgebra> {
        let first = self.shards.first()?;
        Some(&*first.resident.device)
    }
}

/// Rows that are nowhere all at once: some at a time go to the devices.
struct InParts {
    devices: Vec<Arc<dyn GlmKernels>>,
    /// Rows of a part.
    most: usize,
}

impl Session for InParts {
    fn reduce_any(&self, rows: &Rows<'_>, pass: &Pass<'_, dyn AnyStatistic + '_>) -> Ran<ErasedSum> {
        let Some(course) = pass.statistic.any_in_parts() else {
            return Threads.reduce_any(rows, pass);
        };
        let mut all: Option<ErasedSum> = None;
        let to = (self.devices.as_slice(), self.most);
        let (record, counts) = streamed(pass.label, rows, to, pass.check, pass.monitor, |columns| {
            let (shards, _) = looked_through(columns, course)?;
            let Some((own, _)) = summed(&shards, pass.statistic, pass.label)? else {
                return Err(PassError::Foreign(pass.label.name.to_string()));
            };
            match &mut all {
                None => all = Some(own),
                Some(all) => all.merge(own),
            }
            Ok(())
        })?;
        let empty = || Worker::finish(pass.statistic.any_worker(&rows.layout().atoms));
        Ok(Reduced {
            value: all.unwrap_or_else(empty),
            counts,
            records: vec![record],
        })
    }

    fn device(&self) -> Option<&dyn LinearAlgebra> {
        let first = self.devices.first()?;
        Some(&**first)
    }
}

/// Moments of the columns on each device, all at once; with the records of each.
fn looked_through(
    columns: Vec<DeviceColumns>,
    course: Course,
) -> Result<(Vec<DeviceRows>, Vec<Vec<PassRecord>>), PassError> {
    let columns: Vec<_> = columns
        .into_iter()
        .map(|own| std::sync::Mutex::new(Some(own)))
        .collect();
    let found = at_once(&columns, |own| {
        let own = own.lock().unwrap_or_else(|e| e.into_inner()).take();
        own.map(|own| DeviceRows::new(own, course)).transpose()
    })?;
    Ok(found
        .into_iter()
        .flatten()
        .map(|(rows, record)| (rows, vec![record]))
        .unzip())
}

/// A statistic over all shards at once, merged in their order, with its records; `None` where a device has no way to form it.
fn summed(
    shards: &[DeviceRows],
    statistic: &(dyn AnyStatistic + '_),
    label: PassLabel<'_>,
) -> Result<Option<(ErasedSum, Vec<PassRecord>)>, DeviceError> {
    let found = at_once(shards, |rows| statistic.any_on_device(rows, label))?;
    let Some(found) = found.into_iter().collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let (sums, records): (Vec<ErasedSum>, Vec<_>) = found.into_iter().unzip();
    let sum = sums.into_iter().reduce(|mut all, own| {
        all.merge(own);
        all
    });
    Ok(sum.map(|sum| (sum, together(records))))
}
