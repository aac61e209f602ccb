//! How much a rehearsal will write, and where. Pure.

use crate::model::{Layer, Plan};

/// What a kernel brings besides its own files: the initramfs, made twice.
const KERNEL: u64 = 60 << 20;

/// Below this no layer is made: lists, caches and logs are written always.
const LEAST: u64 = 256 << 20;

/// To work with, besides a layer in memory; and at least and at most, with a
/// layer on disk.
const WORKING: u64 = 384 << 20;
const WORKING_LEAST: u64 = 256 << 20;
const WORKING_MOST: u64 = 1 << 30;

/// What this machine has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spare {
    /// Memory that could be had at once, bytes.
    pub memory: u64,
    /// Free where a layer on disk would lie, bytes.
    pub disk: u64,
}

/// Where a rehearsal writes, and how much it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Where.
    pub layer: Layer,
    /// Its size, bytes.
    pub layer_bytes: u64,
    /// All memory that the rehearsal may have, its layer included, bytes.
    pub memory_bytes: u64,
}

/// What a plan is likely to write, when its new versions unpack to `unpacked` bytes.
#[must_use]
pub fn predicted(plan: &Plan, unpacked: u64) -> u64 {
    let kernels = plan.changes().iter().filter(|change| {
        change.id.name.as_str().starts_with("linux-image-") && change.to.is_some()
    });
    let kernels = u64::try_from(kernels.count()).unwrap_or(u64::MAX);
    (unpacked / 10 * 13).saturating_add(kernels.saturating_mul(KERNEL))
}

/// In memory when there is plenty of it, else on disk; a sentence when neither
/// has room.
pub fn choose(predicted: u64, spare: Spare) -> Result<Room, String> {
    let size = predicted.saturating_mul(2).max(LEAST);
    if spare.memory > predicted.saturating_mul(3) && spare.memory > size.saturating_add(WORKING) {
        return Ok(Room {
            layer: Layer::Memory,
            layer_bytes: size,
            memory_bytes: size.saturating_add(WORKING),
        });
    }
    let working = (spare.memory / 2).clamp(WORKING_LEAST, WORKING_MOST);
    if spare.disk > predicted.saturating_add(LEAST) {
        return Ok(Room {
            layer: Layer::Disk,
            layer_bytes: size.min(spare.disk - LEAST / 2),
            memory_bytes: working,
        });
    }
    Err(format!(
        "there is no room to rehearse: it would write about {} MB, and {} MB of memory and {} MB of disk can be had; make room in /var/lib/patchd-worker",
        predicted >> 20,
        spare.memory >> 20,
        spare.disk >> 20,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, PackageId, Version};

    const MB: u64 = 1 << 20;

    #[test]
    fn memory_when_there_is_plenty_else_disk_else_nothing() {
        for (predicted, memory, disk, layer) in [
            (100, 4096, 0, Some(Layer::Memory)),
            (336, 1000, 4096, Some(Layer::Disk)),
            (336, 4096, 0, Some(Layer::Memory)),
            (1500, 4096, 8192, Some(Layer::Disk)),
            (100, 200, 4096, Some(Layer::Disk)),
            (1500, 1000, 1600, None),
        ] {
            let spare = Spare {
                memory: memory * MB,
                disk: disk * MB,
            };
            let room = choose(predicted * MB, spare);
            assert_eq!(room.as_ref().ok().map(|it| it.layer), layer, "{predicted}");
            if let Ok(room) = room {
                assert!(room.layer_bytes > predicted * MB, "{room:?}");
                assert!(room.memory_bytes >= WORKING_LEAST, "{room:?}");
            }
        }
    }

    #[test]
    fn a_kernel_takes_room_besides_its_files() {
        let image = Change {
            id: PackageId::parse("linux-image-6.1.0-56-amd64", "amd64").expect("valid"),
            from: None,
            to: Version::try_from("1".to_owned()).ok(),
        };
        assert_eq!(
            predicted(&Plan::new(vec![image]), 100 * MB),
            130 * MB + KERNEL
        );
        assert_eq!(predicted(&Plan::default(), 100), 130);
    }
}
