//! What every Varlink service answers about itself, so that `varlinkctl` can
//! find out what there is.

use serde_json::{Map, Value, json};

use super::INTERFACE;
use super::error::ControlError;
use super::parameters::Parameters;

/// Our interface.
pub(super) const CONTROL: &str = include_str!("io.patchd.Control.varlink");

/// The one that every service has.
const SERVICE: &str = include_str!("org.varlink.service.varlink");

/// Its name.
const NAME: &str = "org.varlink.service";

/// The answer, when the call is about the service itself.
pub(super) fn answer(
    method: &str,
    parameters: &Map<String, Value>,
) -> Option<Result<Value, ControlError>> {
    let (NAME, name) = method.rsplit_once('.')? else {
        return None;
    };
    let given = Parameters::new(parameters.clone());
    Some(match name {
        "GetInfo" => given.end().map(|()| info()),
        "GetInterfaceDescription" => description(given),
        _ => Err(ControlError::MethodNotFound {
            method: method.to_owned(),
        }),
    })
}

fn info() -> Value {
    json!({
        "vendor": "patchd",
        "product": "patchd",
        "version": env!("CARGO_PKG_VERSION"),
        "url": "man:patchd(1)",
        "interfaces": [NAME, INTERFACE],
    })
}

fn description(mut given: Parameters) -> Result<Value, ControlError> {
    let interface = given
        .text("interface")?
        .ok_or_else(|| Parameters::wrong("interface"))?;
    given.end()?;
    let text = match interface.as_str() {
        NAME => SERVICE,
        INTERFACE => CONTROL,
        _ => return Err(ControlError::InterfaceNotFound { interface }),
    };
    Ok(json!({ "description": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_interfaces_are_listed_and_described() {
        let none = Map::new();
        let info = answer("org.varlink.service.GetInfo", &none).expect("ours");
        for interface in info.expect("told")["interfaces"]
            .as_array()
            .expect("a list")
        {
            let mut asked = Map::new();
            asked.insert("interface".to_owned(), interface.clone());
            let told = answer("org.varlink.service.GetInterfaceDescription", &asked);
            let told = told.expect("ours").expect("described");
            let line = format!("\ninterface {}\n", interface.as_str().expect("a name"));
            assert!(told["description"].as_str().expect("text").contains(&line));
        }
    }

    #[test]
    fn other_interfaces_are_not_ours_to_answer() {
        assert!(answer("io.patchd.Control.Status", &Map::new()).is_none());
        assert!(answer("GetInfo", &Map::new()).is_none());
    }
}
