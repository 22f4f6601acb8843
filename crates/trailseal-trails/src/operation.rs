//! The operations of the service.

/// An operation of CloudTrail that this project speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are CloudTrail's")]
pub enum Operation {
    AddTags,
    CreateTrail,
    DeleteTrail,
    DescribeTrails,
    GetEventSelectors,
    GetInsightSelectors,
    GetTrail,
    GetTrailStatus,
    ListPublicKeys,
    ListTags,
    ListTrails,
    LookupEvents,
    PutEventSelectors,
    PutInsightSelectors,
    RemoveTags,
    StartLogging,
    StopLogging,
    UpdateTrail,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::AddTags,
        Self::CreateTrail,
        Self::DeleteTrail,
        Self::DescribeTrails,
        Self::GetEventSelectors,
        Self::GetInsightSelectors,
        Self::GetTrail,
        Self::GetTrailStatus,
        Self::ListPublicKeys,
        Self::ListTags,
        Self::ListTrails,
        Self::LookupEvents,
        Self::PutEventSelectors,
        Self::PutInsightSelectors,
        Self::RemoveTags,
        Self::StartLogging,
        Self::StopLogging,
        Self::UpdateTrail,
    ];

    /// The operations of CloudTrail that this project does not speak: those of event data stores, channels,
    /// dashboards, imports and what else there is beside trails (M, botocore 1.44.8 of September 2026).
    pub const UNSUPPORTED: [&'static str; 42] = [
        "CancelQuery",
        "CreateChannel",
        "CreateDashboard",
        "CreateEventDataStore",
        "DeleteChannel",
        "DeleteDashboard",
        "DeleteEventDataStore",
        "DeleteResourcePolicy",
        "DeregisterOrganizationDelegatedAdmin",
        "DescribeQuery",
        "DisableFederation",
        "EnableFederation",
        "GenerateQuery",
        "GetChannel",
        "GetDashboard",
        "GetEventConfiguration",
        "GetEventDataStore",
        "GetImport",
        "GetQueryResults",
        "GetResourcePolicy",
        "ListChannels",
        "ListDashboards",
        "ListEventDataStores",
        "ListImportFailures",
        "ListImports",
        "ListInsightsData",
        "ListInsightsMetricData",
        "ListQueries",
        "PutEventConfiguration",
        "PutResourcePolicy",
        "RegisterOrganizationDelegatedAdmin",
        "RestoreEventDataStore",
        "SearchSampleQueries",
        "StartDashboardRefresh",
        "StartEventDataStoreIngestion",
        "StartImport",
        "StartQuery",
        "StopEventDataStoreIngestion",
        "StopImport",
        "UpdateChannel",
        "UpdateDashboard",
        "UpdateEventDataStore",
    ];

    /// Whether CloudTrail has an operation of this name that is not among these.
    pub fn is_unsupported(name: &str) -> bool {
        Self::UNSUPPORTED.contains(&name)
    }

    /// The operation with this name, in this case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == name)
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AddTags => "AddTags",
            Self::CreateTrail => "CreateTrail",
            Self::DeleteTrail => "DeleteTrail",
            Self::DescribeTrails => "DescribeTrails",
            Self::GetEventSelectors => "GetEventSelectors",
            Self::GetInsightSelectors => "GetInsightSelectors",
            Self::GetTrail => "GetTrail",
            Self::GetTrailStatus => "GetTrailStatus",
            Self::ListPublicKeys => "ListPublicKeys",
            Self::ListTags => "ListTags",
            Self::ListTrails => "ListTrails",
            Self::LookupEvents => "LookupEvents",
            Self::PutEventSelectors => "PutEventSelectors",
            Self::PutInsightSelectors => "PutInsightSelectors",
            Self::RemoveTags => "RemoveTags",
            Self::StartLogging => "StartLogging",
            Self::StopLogging => "StopLogging",
            Self::UpdateTrail => "UpdateTrail",
        }
    }

    /// Whether it begins or ends a run of a trail.
    pub fn is_transition(self) -> bool {
        matches!(self, Self::CreateTrail | Self::DeleteTrail | Self::StartLogging | Self::StopLogging)
    }

    /// Whether it only reads, which CloudTrail records as `readOnly`.
    pub fn is_read_only(self) -> bool {
        ["Get", "Describe", "List", "Lookup"].iter().any(|start| self.as_str().starts_with(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_operations_are_inverse() {
        for operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.as_str()), Some(operation));
        }
        for name in ["", "createtrail", "CreateTrail ", "CreateEventDataStore"] {
            assert_eq!(Operation::parse(name), None, "{name}");
        }
        for name in Operation::UNSUPPORTED {
            assert!(Operation::parse(name).is_none() && Operation::is_unsupported(name), "{name}");
        }
        assert!(!Operation::is_unsupported("CreateTrail") && !Operation::is_unsupported("Nope"));
        let writers = Operation::ALL.into_iter().filter(|operation| !operation.is_read_only());
        assert_eq!(writers.count(), 9);
    }
}
