//! What dpkg says is installed.

use std::collections::BTreeMap;

use super::parse::dpkg_status::DpkgStatus;
use super::view::View;
use super::{Apt, commands, indexes};
use crate::model::{PackageId, PackageName, Version};
use crate::package_manager::Fault;

impl Apt {
    /// The installed versions of these packages. A package that is unpacked but
    /// not configured is not installed.
    pub(super) async fn installed_among(
        &self,
        ids: &[PackageId],
    ) -> Result<BTreeMap<PackageId, Version>, Fault> {
        let status = self.status().await?;
        let version = |id: &PackageId| {
            let installed = status.get(id).filter(|installed| installed.sound)?;
            Some((id.clone(), installed.version.clone()))
        };
        Ok(ids.iter().filter_map(version).collect())
    }

    /// All installed architectures of a package.
    pub(super) async fn installed_named(
        &self,
        name: &PackageName,
    ) -> Result<BTreeMap<PackageId, Version>, Fault> {
        let status = self.status().await?;
        let named = status
            .iter()
            .filter(|(id, installed)| id.name == *name && installed.sound);
        Ok(named
            .map(|(id, installed)| (id.clone(), installed.version.clone()))
            .collect())
    }

    /// The files of these packages. dpkg-query complains about the ones that are
    /// not installed and lists the others.
    pub(super) async fn installed_files(&self, ids: &[PackageId]) -> Result<Vec<String>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.runner.ask(&commands::list_files(ids)).await?;
        let text = answer.text();
        let paths = text.lines().filter(|line| line.starts_with('/'));
        Ok(paths.map(str::to_owned).collect())
    }

    async fn status(&self) -> Result<DpkgStatus, Fault> {
        let view = View::of(self.runner.as_ref()).await?;
        indexes::read_status(&view.status).await
    }
}
