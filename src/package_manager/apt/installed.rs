//! What dpkg says is installed.

use std::collections::BTreeMap;

use crate::model::{PackageId, Version};
use crate::package_manager::Fault;

use super::view::View;
use super::{Apt, indexes};

impl Apt {
    /// The installed versions of these packages. A package that is unpacked but
    /// not configured is not installed.
    pub async fn installed(
        &self,
        ids: &[PackageId],
    ) -> Result<BTreeMap<PackageId, Version>, Fault> {
        let view = View::of(self.runner.as_ref()).await?;
        let status = indexes::read_status(&view.status).await?;
        let version = |id: &PackageId| {
            let installed = status.get(id).filter(|installed| installed.sound)?;
            Some((id.clone(), installed.version.clone()))
        };
        Ok(ids.iter().filter_map(version).collect())
    }
}
