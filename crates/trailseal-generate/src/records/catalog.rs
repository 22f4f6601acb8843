//! What is called, how often, by whom, and what the records of it hold: data, and the few words to write it
//! down with. The services themselves are in the files of this folder.

mod applications;
mod compute;
mod data;
mod security;

/// One AWS service.
pub(super) struct Service {
    /// `eventSource`.
    pub(super) source: &'static str,
    /// What comes before `:` in the name of its actions.
    pub(super) action: &'static str,
    /// `tlsDetails.clientProvidedHostHeader`, a template.
    pub(super) host: &'static str,
    pub(super) scope: Scope,
    /// `apiVersion`; empty when its records have none.
    pub(super) api_version: &'static str,
    /// What goes wrong: codes and messages (templates; an empty message is left out). The first is the
    /// refusal of permission, which is the most common.
    pub(super) errors: &'static [(&'static str, &'static str)],
    pub(super) calls: &'static [Call],
}

/// Where the events of a service are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// In the region where it was called.
    Regional,
    /// In us-east-1, or in the trail's home region when us-east-1 is not delivered.
    Global,
}

/// One action of a service.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) read: bool,
    /// How often, in proportion to all others.
    pub(super) weight: u32,
    pub(super) request: &'static str,
    pub(super) response: &'static str,
    /// `additionalEventData`; empty for none.
    pub(super) additional: &'static str,
    /// `resources`; empty for none.
    pub(super) resources: &'static str,
    /// `serviceEventDetails`; empty for none.
    pub(super) details: &'static str,
    pub(super) class: Class,
    pub(super) caller: Caller,
}

/// `eventType` and `eventCategory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `AwsApiCall`, `Management`.
    Management,
    /// `AwsApiCall`, `Data`.
    Data,
    /// `AwsVpceEvent`, `NetworkActivity`.
    Network,
    /// `AwsServiceEvent`, `Management`.
    Service,
    /// `AwsConsoleSignIn`, `Management`.
    SignIn,
    /// `AwsConsoleAction`, `Management`.
    ConsoleAction,
}

/// Who calls an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The account's principals.
    Anyone,
    /// In so many of 100 cases an AWS service on its own, else the account's principals.
    Service(&'static str, u8),
    /// In so many of 100 cases an AWS service for a principal (`invokedBy`), else the principal itself.
    OnBehalf(&'static str, u8),
    /// A service event: no type, invoked by this service.
    Nobody(&'static str),
    /// A user who signs in to the console.
    Console,
    Root,
    Saml,
    WebIdentity,
    IdentityCenter,
    Directory,
    Unknown,
}

const fn read(name: &'static str, weight: u32, request: &'static str) -> Call {
    Call {
        name,
        read: true,
        weight,
        request,
        response: "null",
        additional: "",
        resources: "",
        details: "",
        class: Class::Management,
        caller: Caller::Anyone,
    }
}

const fn write(name: &'static str, weight: u32, request: &'static str, response: &'static str) -> Call {
    Call { read: false, response, ..read(name, weight, request) }
}

/// Something that a service does by itself.
const fn event(name: &'static str, weight: u32, service: &'static str, details: &'static str) -> Call {
    Call {
        read: false,
        details,
        class: Class::Service,
        caller: Caller::Nobody(service),
        ..read(name, weight, "null")
    }
}

impl Call {
    const fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    const fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    const fn returns(self, response: &'static str) -> Self {
        Self { response, ..self }
    }

    const fn additional(self, additional: &'static str) -> Self {
        Self { additional, ..self }
    }

    const fn on(self, resources: &'static str) -> Self {
        Self { resources, ..self }
    }
}

/// The refusal of services that speak JSON.
const REFUSED_JSON: (&str, &str) = (
    "AccessDeniedException",
    "User: <arn> is not authorized to perform: <action> because no identity-based policy allows the <action> action",
);
/// The refusal of services that speak XML.
const REFUSED_QUERY: (&str, &str) = (
    "AccessDenied",
    "User: <arn> is not authorized to perform: <action> on resource: arn:aws:iam::<account>:role/<role> because no identity-based policy allows the <action> action",
);
const THROTTLED: (&str, &str) = ("ThrottlingException", "Rate exceeded");
const NOT_FOUND: (&str, &str) = ("ResourceNotFoundException", "");
const INVALID: (&str, &str) = (
    "ValidationException",
    "1 validation error detected: Value at 'maxResults' failed to satisfy constraint",
);

const JSON_ERRORS: &[(&str, &str)] = &[REFUSED_JSON, THROTTLED, NOT_FOUND, INVALID];
const QUERY_ERRORS: &[(&str, &str)] = &[
    REFUSED_QUERY,
    ("Throttling", "Rate exceeded"),
    ("ValidationError", "The request is not valid \u{2013} \\\"<words>\\\""),
];

/// All services.
pub(super) fn services() -> impl Iterator<Item = &'static Service> {
    [compute::SERVICES, data::SERVICES, security::SERVICES, applications::SERVICES].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_mix_is_as_wide_as_promised() {
        let names: HashSet<_> = services().flat_map(|s| s.calls.iter().map(|c| (s.source, c.name))).collect();
        assert!(names.len() >= 200, "{} names", names.len());
        assert!(services().map(|s| s.source).collect::<HashSet<_>>().len() >= 35);
        let regional: HashSet<_> = services()
            .filter(|s| s.scope == Scope::Regional)
            .flat_map(|s| s.calls.iter().map(|c| c.name))
            .collect();
        assert!(regional.len() >= 160, "{} regional names", regional.len());
        assert!(services().flat_map(|s| s.calls).all(|call| call.weight > 0));
        assert!(services().all(|s| !s.errors.is_empty()));
    }
}
