//! Work of several devices at a time.

use crate::pass::PassRecord;

/// Identifiers of devices that did something together: `cuda:0+cuda:1`.
pub(in crate::pass) fn joined(ids: impl Iterator<Item = String>) -> String {
    ids.collect::<Vec<_>>().join("+")
}

/// Does something for each at once, the first on this thread; the results in order, or the first error.
pub(in crate::pass) fn at_once<T: Sync, R: Send, E: Send>(
    all: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let Some((first, others)) = all.split_first() else {
        return Ok(Vec::new());
    };
    if others.is_empty() {
        return Ok(vec![work(first)?]);
    }
    std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = others.iter().map(|one| scope.spawn(move || work(one))).collect();
        let first = work(first);
        let others = running.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        std::iter::once(first).chain(others.collect::<Vec<_>>()).collect()
    })
}

/// Records of passes that devices ran together, each over its rows: one for each name, in the order in which they came.
pub(in crate::pass) fn together(of_devices: Vec<Vec<PassRecord>>) -> Vec<PassRecord> {
    let mut all: Vec<PassRecord> = Vec::new();
    for (device, own) in of_devices.into_iter().enumerate() {
        let before = all.len();
        for record in own {
            // a device may run a pass of one name once
            match all[..before]
                .iter_mut()
                .find(|r| device > 0 && r.name == record.name)
            {
                None => all.push(record),
                Some(joint) => {
                    joint.rows += record.rows;
                    joint.bytes += record.bytes;
                    joint.seconds = joint.seconds.max(record.seconds);
                    joint.device = joined([joint.device.clone(), record.device].into_iter());
                }
            }
        }
    }
    all
}
