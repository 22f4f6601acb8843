//! Monitoring, messaging, delivery of software, networks at the edge, and the rest.

use super::{Call, Caller, JSON_ERRORS, QUERY_ERRORS, Scope, Service, event, read, write};

const fn regional(
    source: &'static str,
    action: &'static str,
    host: &'static str,
    calls: &'static [Call],
) -> Service {
    Service { source, action, host, scope: Scope::Regional, api_version: "", errors: JSON_ERRORS, calls }
}

pub(super) const SERVICES: &[Service] = &[
    regional("logs.amazonaws.com", "logs", "logs.<region>.amazonaws.com", LOGS),
    Service {
        errors: QUERY_ERRORS,
        ..regional("monitoring.amazonaws.com", "cloudwatch", "monitoring.<region>.amazonaws.com", MONITORING)
    },
    regional("events.amazonaws.com", "events", "events.<region>.amazonaws.com", EVENTS),
    Service {
        errors: QUERY_ERRORS,
        ..regional("sns.amazonaws.com", "sns", "sns.<region>.amazonaws.com", SNS)
    },
    Service {
        errors: QUERY_ERRORS,
        ..regional(
            "cloudformation.amazonaws.com",
            "cloudformation",
            "cloudformation.<region>.amazonaws.com",
            CLOUDFORMATION,
        )
    },
    regional("codebuild.amazonaws.com", "codebuild", "codebuild.<region>.amazonaws.com", CODEBUILD),
    regional(
        "codepipeline.amazonaws.com",
        "codepipeline",
        "codepipeline.<region>.amazonaws.com",
        CODEPIPELINE,
    ),
    Service {
        api_version: "2015-07-09",
        ..regional("apigateway.amazonaws.com", "apigateway", "apigateway.<region>.amazonaws.com", APIGATEWAY)
    },
    regional("states.amazonaws.com", "states", "states.<region>.amazonaws.com", STATES),
    regional("sagemaker.amazonaws.com", "sagemaker", "api.sagemaker.<region>.amazonaws.com", SAGEMAKER),
    regional("bedrock.amazonaws.com", "bedrock", "bedrock-runtime.<region>.amazonaws.com", BEDROCK),
    regional("tagging.amazonaws.com", "tag", "tagging.<region>.amazonaws.com", TAGGING),
    regional("servicequotas.amazonaws.com", "servicequotas", "servicequotas.<region>.amazonaws.com", QUOTAS),
    regional("health.amazonaws.com", "health", "health.<region>.amazonaws.com", HEALTH),
    Service {
        scope: Scope::Global,
        api_version: "2013-04-01",
        errors: QUERY_ERRORS,
        ..regional("route53.amazonaws.com", "route53", "route53.amazonaws.com", ROUTE53)
    },
    Service {
        scope: Scope::Global,
        api_version: "2020-05-31",
        errors: QUERY_ERRORS,
        ..regional("cloudfront.amazonaws.com", "cloudfront", "cloudfront.amazonaws.com", CLOUDFRONT)
    },
    Service {
        scope: Scope::Global,
        ..regional("ce.amazonaws.com", "ce", "ce.us-east-1.amazonaws.com", COST)
    },
    Service {
        scope: Scope::Global,
        ..regional("support.amazonaws.com", "support", "support.us-east-1.amazonaws.com", SUPPORT)
    },
];

#[rustfmt::skip]
const LOGS: &[Call] = &[
    write("CreateLogStream", 300, r#"{"logGroupName":"<loggroup>","logStreamName":"2024/03/01/[$LATEST]<hex32>"}"#, "null"),
    read("DescribeLogGroups", 110, r#"{"logGroupNamePrefix":"<loggroup>","limit":50}"#),
    read("DescribeLogStreams", 90, r#"{"logGroupName":"<loggroup>","orderBy":"LastEventTime","descending":true}"#),
    read("FilterLogEvents", 60, r#"{"logGroupName":"<loggroup>","startTime":<millis>,"endTime":<millis>,"filterPattern":"\"ERROR\" - \"<words>\"","interleaved":true}"#),
    write("StartQuery", 24, r#"{"logGroupNames":["<loggroup>"],"startTime":<millis>,"endTime":<millis>,"queryString":"fields @timestamp, @message\n| filter @message like /<words>/\n| sort @timestamp desc"}"#, r#"{"queryId":"<uuid>"}"#),
    write("CreateLogGroup", 5, r#"{"logGroupName":"<loggroup>","kmsKeyId":"arn:aws:kms:<region>:<account>:key/<kmskey>"}"#, "null"),
    write("PutRetentionPolicy", 5, r#"{"logGroupName":"<loggroup>","retentionInDays":<small>}"#, "null"),
    write("DeleteLogGroup", 2, r#"{"logGroupName":"<loggroup>"}"#, "null"),
    write("PutResourcePolicy", 2, r#"{"policyName":"<managedpolicy>","policyDocument":"<policy>"}"#, r#"{"resourcePolicy":{"policyName":"<managedpolicy>","policyDocument":"<policy>","lastUpdatedTime":<millis>}}"#),
];

#[rustfmt::skip]
const MONITORING: &[Call] = &[
    read("DescribeAlarms", 190, r#"{"alarmNames":["<service>-cpu-high"],"maxRecords":100}"#),
    read("GetMetricData", 240, r#"{"metricDataQueries":[{"id":"m1","metricStat":{"metric":{"namespace":"AWS/EC2","metricName":"CPUUtilization","dimensions":[{"name":"InstanceId","value":"<instance>"}]},"period":300,"stat":"Average"},"returnData":true}],"startTime":"<now>","endTime":"<expiry>"}"#),
    read("ListMetrics", 80, r#"{"namespace":"AWS/Lambda","metricName":"Errors"}"#),
    write("PutMetricAlarm", 16, r#"{"alarmName":"<service>-cpu-high","alarmDescription":"<words>","actionsEnabled":true,"alarmActions":["arn:aws:sns:<region>:<account>:<topic>"],"metricName":"CPUUtilization","namespace":"AWS/ECS","statistic":"Average","period":60,"evaluationPeriods":3,"threshold":<small>.0,"comparisonOperator":"GreaterThanThreshold"}"#, "null").by(Caller::OnBehalf("application-autoscaling.amazonaws.com", 60)),
    write("DeleteAlarms", 4, r#"{"alarmNames":["<service>-cpu-high"]}"#, "null"),
];

#[rustfmt::skip]
const EVENTS: &[Call] = &[
    read("ListRules", 40, r#"{"eventBusName":"default","limit":100}"#),
    read("ListTargetsByRule", 26, r#"{"rule":"<rule>","eventBusName":"default"}"#),
    write("PutRule", 8, r#"{"name":"<rule>","eventPattern":"{\"source\":[\"aws.guardduty\"],\"detail-type\":[\"GuardDuty Finding\"]}","state":"ENABLED","description":"<words>"}"#, r#"{"ruleArn":"arn:aws:events:<region>:<account>:rule/<rule>"}"#),
    write("PutTargets", 8, r#"{"rule":"<rule>","targets":[{"id":"1","arn":"arn:aws:sns:<region>:<account>:<topic>"}]}"#, r#"{"failedEntryCount":0,"failedEntries":[]}"#),
    write("DisableRule", 2, r#"{"name":"<rule>","eventBusName":"default"}"#, "null"),
];

#[rustfmt::skip]
const SNS: &[Call] = &[
    read("GetTopicAttributes", 50, r#"{"topicArn":"arn:aws:sns:<region>:<account>:<topic>"}"#),
    read("ListSubscriptionsByTopic", 20, r#"{"topicArn":"arn:aws:sns:<region>:<account>:<topic>"}"#),
    write("Subscribe", 3, r#"{"topicArn":"arn:aws:sns:<region>:<account>:<topic>","protocol":"https","endpoint":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"subscriptionArn":"pending confirmation"}"#),
    write("SetTopicAttributes", 3, r#"{"topicArn":"arn:aws:sns:<region>:<account>:<topic>","attributeName":"Policy","attributeValue":"<policy>"}"#, "null"),
];

#[rustfmt::skip]
const CLOUDFORMATION: &[Call] = &[
    read("DescribeStacks", 120, r#"{"stackName":"<stack>"}"#),
    read("DescribeStackEvents", 90, r#"{"stackName":"arn:aws:cloudformation:<region>:<account>:stack/<stack>/<uuid>"}"#),
    read("ListStackResources", 20, r#"{"stackName":"<stack>"}"#),
    read("GetTemplate", 12, r#"{"stackName":"<stack>","templateStage":"Original"}"#),
    write("CreateChangeSet", 6, r#"{"stackName":"<stack>","changeSetName":"deploy-<hex8>","templateURL":"https://<bucket>.s3.<region>.amazonaws.com/<key>","parameters":[{"parameterKey":"Stage","parameterValue":"****"}],"capabilities":["CAPABILITY_NAMED_IAM"],"description":"<words>","changeSetType":"UPDATE"}"#, r#"{"id":"arn:aws:cloudformation:<region>:<account>:changeSet/deploy-<hex8>/<uuid>","stackId":"arn:aws:cloudformation:<region>:<account>:stack/<stack>/<uuid>"}"#),
    write("ExecuteChangeSet", 6, r#"{"changeSetName":"arn:aws:cloudformation:<region>:<account>:changeSet/deploy-<hex8>/<uuid>","stackName":"<stack>"}"#, "null"),
    write("DeleteStack", 2, r#"{"stackName":"<stack>"}"#, "null"),
];

#[rustfmt::skip]
const CODEBUILD: &[Call] = &[
    read("BatchGetBuilds", 50, r#"{"ids":["<project>:<uuid>"]}"#),
    write("StartBuild", 16, r#"{"projectName":"<project>","sourceVersion":"<hex32>","environmentVariablesOverride":[{"name":"IMAGE_TAG","value":"<hex8>","type":"PLAINTEXT"}]}"#, r#"{"build":{"id":"<project>:<uuid>","arn":"arn:aws:codebuild:<region>:<account>:build/<project>:<uuid>","startTime":"<now>","currentPhase":"QUEUED","buildStatus":"IN_PROGRESS","projectName":"<project>","timeoutInMinutes":60,"initiator":"<role>"}}"#).by(Caller::OnBehalf("codepipeline.amazonaws.com", 60)),
];

#[rustfmt::skip]
const CODEPIPELINE: &[Call] = &[
    read("GetPipelineState", 30, r#"{"name":"<project>"}"#),
    write("PutApprovalResult", 2, r#"{"pipelineName":"<project>","stageName":"Approve","actionName":"Manual","result":{"summary":"<words>","status":"Approved"},"token":"<uuid>"}"#, r#"{"approvedAt":"<now>"}"#),
];

#[rustfmt::skip]
const APIGATEWAY: &[Call] = &[
    read("GetRestApis", 20, r#"{"limit":500}"#),
    write("CreateDeployment", 3, r#"{"restApiId":"<hex8>ab","createDeploymentInput":{"stageName":"prod","description":"<words>"},"template":false}"#, r#"{"id":"<hex8>","createdDate":"<now>","deploymentUpdate":{"restApiId":"<hex8>ab"}}"#),
];

#[rustfmt::skip]
const STATES: &[Call] = &[
    write("StartExecution", 60, r#"{"stateMachineArn":"arn:aws:states:<region>:<account>:stateMachine:<function>","name":"<uuid>","input":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"executionArn":"arn:aws:states:<region>:<account>:execution:<function>:<uuid>","startDate":"<now>"}"#).by(Caller::Service("events.amazonaws.com", 50)),
    read("DescribeExecution", 30, r#"{"executionArn":"arn:aws:states:<region>:<account>:execution:<function>:<uuid>"}"#),
];

#[rustfmt::skip]
const SAGEMAKER: &[Call] = &[
    read("DescribeTrainingJob", 20, r#"{"trainingJobName":"<agent>-<hex8>"}"#),
    write("CreatePresignedNotebookInstanceUrl", 3, r#"{"notebookInstanceName":"<agent>","sessionExpirationDurationInSeconds":43200}"#, r#"{"authorizedUrl":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#),
];

#[rustfmt::skip]
const BEDROCK: &[Call] = &[
    read("InvokeModel", 40, r#"{"modelId":"anthropic.claude-3-sonnet-20240229-v1:0"}"#).additional(r#"{"inferenceRegion":"<region>"}"#),
    read("ListFoundationModels", 5, "null"),
];

#[rustfmt::skip]
const TAGGING: &[Call] = &[
    read("GetResources", 60, r#"{"resourcesPerPage":100,"tagFilters":[{"key":"owner","values":["<group>"]}],"resourceTypeFilters":["ec2:instance"]}"#),
    write("TagResources", 5, r#"{"resourceARNList":["arn:aws:ec2:<region>:<account>:instance/<instance>"],"tags":{"note":"<words>"}}"#, r#"{"failedResourcesMap":{}}"#),
];

#[rustfmt::skip]
const QUOTAS: &[Call] = &[
    read("GetServiceQuota", 14, r#"{"serviceCode":"ec2","quotaCode":"L-1216C47A"}"#),
    read("ListServiceQuotas", 5, r#"{"serviceCode":"vpc","maxResults":100}"#),
    write("RequestServiceQuotaIncrease", 2, r#"{"serviceCode":"ec2","quotaCode":"L-417A185B","desiredValue":<small>}"#, r#"{"requestedQuota":{"id":"<hex32>","status":"PENDING","created":"<now>"}}"#),
];

#[rustfmt::skip]
const HEALTH: &[Call] = &[
    read("DescribeEventAggregates", 90, r#"{"aggregateField":"eventTypeCategory","filter":{"eventStatusCodes":["open","upcoming"],"startTimes":[{"from":"Feb 23, 2024 12:32:49 PM"}]}}"#),
    event("AWS_EC2_MAINTENANCE_SCHEDULED", 2, "health.amazonaws.com", r#"{"affectedEntities":["<instance>"],"description":"<words>"}"#),
];

#[rustfmt::skip]
const ROUTE53: &[Call] = &[
    read("ListResourceRecordSets", 40, r#"{"hostedZoneId":"<zone>","maxItems":300}"#),
    read("GetHostedZone", 16, r#"{"id":"<zone>"}"#),
    write("ChangeResourceRecordSets", 14, r#"{"hostedZoneId":"<zone>","changeBatch":{"comment":"<words>","changes":[{"action":"UPSERT","resourceRecordSet":{"name":"<domain>","type":"A","tTL":60,"resourceRecords":[{"value":"203.0.113.<small>"}]}}]}}"#, r#"{"changeInfo":{"id":"/change/C0<hex16>","status":"PENDING","submittedAt":"<now>","comment":"<words>"}}"#),
];

#[rustfmt::skip]
const CLOUDFRONT: &[Call] = &[
    read("GetDistribution", 20, r#"{"id":"<distribution>"}"#),
    write("CreateInvalidation", 14, r#"{"distributionId":"<distribution>","invalidationBatch":{"paths":{"quantity":1,"items":["/*"]},"callerReference":"cli-<millis>"}}"#, r#"{"location":"https://cloudfront.amazonaws.com/2020-05-31/distribution/<distribution>/invalidation/I<hex16>","invalidation":{"id":"I<hex16>","status":"InProgress","createTime":"<now>"}}"#),
];

#[rustfmt::skip]
const COST: &[Call] = &[
    read("GetCostAndUsage", 20, r#"{"timePeriod":{"start":"2024-02-01","end":"2024-03-01"},"granularity":"DAILY","metrics":["UnblendedCost"],"groupBy":[{"type":"DIMENSION","key":"SERVICE"}]}"#),
];

#[rustfmt::skip]
const SUPPORT: &[Call] = &[
    read("DescribeTrustedAdvisorChecks", 10, r#"{"language":"en"}"#),
    write("CreateCase", 2, r#"{"subject":"HIDDEN_DUE_TO_SECURITY_REASONS","serviceCode":"amazon-s3","severityCode":"low","language":"ja","ccEmailAddresses":["HIDDEN_DUE_TO_SECURITY_REASONS"]}"#, r#"{"caseId":"case-<account>-muen-2024-<hex16>"}"#),
];
