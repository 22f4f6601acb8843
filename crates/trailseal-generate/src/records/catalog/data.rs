//! Storage, databases, streams and analytics.

use super::{Call, Caller, Class, JSON_ERRORS, QUERY_ERRORS, Scope, Service, event, read, write};

const S3_ERRORS: &[(&str, &str)] = &[
    ("AccessDenied", "Access Denied"),
    ("NoSuchKey", "The specified key does not exist."),
    ("NoSuchBucket", "The specified bucket does not exist"),
    ("NoSuchBucketPolicy", "The bucket policy does not exist"),
];

pub(super) const SERVICES: &[Service] = &[
    Service {
        source: "s3.amazonaws.com",
        action: "s3",
        host: "<bucket>.s3.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: S3_ERRORS,
        calls: S3,
    },
    Service {
        source: "dynamodb.amazonaws.com",
        action: "dynamodb",
        host: "dynamodb.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "2012-08-10",
        errors: &[
            (
                "AccessDenied",
                "User: <arn> is not authorized to perform: <action> on resource: arn:aws:dynamodb:<region>:<account>:table/<table> because no identity-based policy allows the <action> action",
            ),
            ("ConditionalCheckFailedException", "The conditional request failed"),
            ("ResourceNotFoundException", "Requested resource not found"),
        ],
        calls: DYNAMODB,
    },
    Service {
        source: "rds.amazonaws.com",
        action: "rds",
        host: "rds.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: QUERY_ERRORS,
        calls: RDS,
    },
    Service {
        source: "sqs.amazonaws.com",
        action: "sqs",
        host: "sqs.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: QUERY_ERRORS,
        calls: SQS,
    },
    Service {
        source: "kinesis.amazonaws.com",
        action: "kinesis",
        host: "kinesis.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: KINESIS,
    },
    Service {
        source: "athena.amazonaws.com",
        action: "athena",
        host: "athena.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: ATHENA,
    },
    Service {
        source: "glue.amazonaws.com",
        action: "glue",
        host: "glue.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: GLUE,
    },
    Service {
        source: "redshift.amazonaws.com",
        action: "redshift",
        host: "redshift.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: QUERY_ERRORS,
        calls: &[
            read("DescribeClusters", 20, r#"{"clusterIdentifier":"<db>","maxRecords":100}"#),
            write(
                "GetClusterCredentials",
                8,
                r#"{"clusterIdentifier":"<db>","dbUser":"etl","dbName":"<database>","autoCreate":false}"#,
                r#"{"dbUser":"IAM:etl","dbPassword":"HIDDEN_DUE_TO_SECURITY_REASONS","expiration":"<expiry>"}"#,
            ),
        ],
    },
    Service {
        source: "elasticfilesystem.amazonaws.com",
        action: "elasticfilesystem",
        host: "elasticfilesystem.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: &[
            read("DescribeFileSystems", 22, r#"{"maxItems":100}"#),
            event(
                "NewClientConnection",
                30,
                "elasticfilesystem.amazonaws.com",
                r#"{"permissions":{"ClientRootAccess":false,"ClientMount":true,"ClientWrite":true},"sourceIpAddress":"10.0.<private>"}"#,
            ),
        ],
    },
    Service {
        source: "backup.amazonaws.com",
        action: "backup",
        host: "backup.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: &[
            event(
                "BackupJobCompleted",
                12,
                "backup.amazonaws.com",
                r#"{"completionDate":{"seconds":0,"nanos":0},"state":"COMPLETED","backupJobId":"<uuid>","backupVaultName":"Default","recoveryPointArn":"arn:aws:ec2:<region>::snapshot/<snapshot>","percentDone":100.0,"bytesTransferred":<bytes>}"#,
            ),
            read("ListRecoveryPointsByBackupVault", 8, r#"{"backupVaultName":"Default"}"#),
            write(
                "DeleteRecoveryPoint",
                3,
                r#"{"backupVaultName":"Default","recoveryPointArn":"arn:aws:ec2:<region>::snapshot/<snapshot>"}"#,
                "null",
            ),
        ],
    },
];

const S3_TRAFFIC: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"<base64>","bytesTransferredOut":<bytes>}"#;
const S3_UPLOAD: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":<bytes>,"SSEApplied":"SSE_KMS","AuthenticationMethod":"AuthHeader","x-amz-id-2":"<base64>","bytesTransferredOut":0}"#;
const BUCKET: &str = r#"[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const OBJECT: &str = r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::<bucket>/<key>"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const OBJECTS: &str = r#"[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::<bucket>/"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const TABLE: &str = r#"[{"accountId":"<account>","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:<region>:<account>:table/<table>"}]"#;

#[rustfmt::skip]
const S3: &[Call] = &[
    read("GetObject", 900, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#).class(Class::Data).additional(S3_TRAFFIC).on(OBJECT).by(Caller::Service("athena.amazonaws.com", 12)),
    write("PutObject", 520, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>","x-amz-acl":"bucket-owner-full-control","x-amz-server-side-encryption":"aws:kms"}"#, r#"{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:<region>:<account>:key/<kmskey>","x-amz-version-id":"<hex32>"}"#).class(Class::Data).additional(S3_UPLOAD).on(OBJECT).by(Caller::Service("delivery.logs.amazonaws.com", 35)),
    read("HeadObject", 260, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#).class(Class::Data).additional(S3_TRAFFIC).on(OBJECT),
    read("ListObjects", 180, r#"{"list-type":"2","bucketName":"<bucket>","prefix":"<key>","delimiter":"/","encoding-type":"url","Host":"<bucket>.s3.<region>.amazonaws.com"}"#).class(Class::Data).additional(S3_TRAFFIC).on(OBJECTS),
    write("DeleteObject", 60, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#, "null").class(Class::Data).additional(S3_TRAFFIC).on(OBJECT),
    write("DeleteObjects", 12, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","delete":""}"#, "null").class(Class::Data).additional(S3_TRAFFIC).on(OBJECTS),
    write("CopyObject", 24, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>","x-amz-copy-source":"<bucket2>/<key2>"}"#, r#"{"x-amz-server-side-encryption":"AES256"}"#).class(Class::Data).additional(S3_UPLOAD).on(OBJECT),
    read("GetBucketAcl", 210, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","acl":""}"#).additional(S3_TRAFFIC).on(BUCKET).by(Caller::Service("cloudtrail.amazonaws.com", 85)),
    read("GetBucketPolicy", 70, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","policy":""}"#).additional(S3_TRAFFIC).on(BUCKET),
    read("GetBucketEncryption", 60, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","encryption":""}"#).additional(S3_TRAFFIC).on(BUCKET).by(Caller::OnBehalf("config.amazonaws.com", 50)),
    read("GetBucketLocation", 80, r#"{"bucketName":"<bucket>","Host":"s3.<region>.amazonaws.com","location":""}"#).additional(S3_TRAFFIC).on(BUCKET),
    read("GetBucketPublicAccessBlock", 40, r#"{"publicAccessBlock":"","bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com"}"#).additional(S3_TRAFFIC).on(BUCKET),
    read("ListBuckets", 36, r#"{"Host":"s3.<region>.amazonaws.com"}"#).additional(S3_TRAFFIC),
    write("PutBucketPolicy", 5, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"<words>","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::<otheraccount>:root"},"Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::<bucket>","arn:aws:s3:::<bucket>/*"]}]}}"#, "null").additional(S3_UPLOAD).on(BUCKET),
    write("PutBucketPublicAccessBlock", 3, r#"{"publicAccessBlock":"","bucketName":"<bucket>","PublicAccessBlockConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","RestrictPublicBuckets":false,"BlockPublicPolicy":false,"BlockPublicAcls":true,"IgnorePublicAcls":true},"Host":"<bucket>.s3.<region>.amazonaws.com"}"#, "null").additional(S3_UPLOAD).on(BUCKET),
    write("PutBucketLifecycle", 3, r#"{"lifecycle":"","bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","LifecycleConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Rule":{"ID":"<words>","Status":"Enabled","Expiration":{"Days":<small>},"Filter":{"Prefix":"tmp/"}}}}"#, "null").additional(S3_UPLOAD).on(BUCKET),
    write("CreateBucket", 3, r#"{"CreateBucketConfiguration":{"LocationConstraint":"<region>","xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},"bucketName":"<bucket>","Host":"s3.<region>.amazonaws.com"}"#, "null").additional(S3_UPLOAD),
    read("GetObject", 26, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#).class(Class::Network).on(OBJECT),
];

#[rustfmt::skip]
const DYNAMODB: &[Call] = &[
    read("GetItem", 360, r#"{"tableName":"<table>","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"consistentRead":false}"#).class(Class::Data).on(TABLE),
    read("Query", 220, r##"{"tableName":"<table>","indexName":"by-owner","keyConditionExpression":"#pk = :pk","expressionAttributeNames":{"#pk":"pk"},"limit":<small>}"##).class(Class::Data).on(TABLE),
    write("PutItem", 180, r#"{"tableName":"<table>","items":["pk","sk"],"conditionExpression":"attribute_not_exists(pk)"}"#, "null").class(Class::Data).on(TABLE),
    write("UpdateItem", 120, r##"{"tableName":"<table>","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"updateExpression":"SET #v = #v + :one","expressionAttributeNames":{"#v":"version"}}"##, "null").class(Class::Data).on(TABLE),
    write("DeleteItem", 30, r#"{"tableName":"<table>","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#, "null").class(Class::Data).on(TABLE),
    read("Scan", 16, r#"{"tableName":"<table>","limit":1000,"returnConsumedCapacity":"TOTAL"}"#).class(Class::Data).on(TABLE),
    read("DescribeTable", 120, r#"{"tableName":"<table>"}"#).on(TABLE),
    read("ListTables", 30, r#"{"limit":100}"#),
    write("UpdateTimeToLive", 3, r#"{"tableName":"<table>","timeToLiveSpecification":{"enabled":true,"attributeName":"expires"}}"#, r#"{"timeToLiveSpecification":{"attributeName":"expires","enabled":true}}"#).on(TABLE),
    write("CreateTable", 3, r#"{"tableName":"<table>","attributeDefinitions":[{"attributeName":"pk","attributeType":"S"}],"keySchema":[{"attributeName":"pk","keyType":"HASH"}],"billingMode":"PAY_PER_REQUEST","tags":[{"key":"owner","value":"<words>"}]}"#, r#"{"tableDescription":{"tableName":"<table>","tableStatus":"CREATING","tableArn":"arn:aws:dynamodb:<region>:<account>:table/<table>","tableId":"<uuid>","creationDateTime":"<now>","itemCount":0}}"#).on(TABLE),
];

#[rustfmt::skip]
const RDS: &[Call] = &[
    read("DescribeDBInstances", 160, r#"{"dBInstanceIdentifier":"<db>","maxRecords":100}"#),
    read("DescribeDBClusters", 60, r#"{"dBClusterIdentifier":"<db>","includeShared":false}"#),
    read("DescribeDBSnapshots", 40, r#"{"dBInstanceIdentifier":"<db>","snapshotType":"automated"}"#),
    read("ListTagsForResource", 90, r#"{"resourceName":"arn:aws:rds:<region>:<account>:db:<db>"}"#),
    write("CreateDBSnapshot", 8, r#"{"dBSnapshotIdentifier":"<db>-<hex8>","dBInstanceIdentifier":"<db>"}"#, r#"{"dBSnapshotIdentifier":"<db>-<hex8>","dBInstanceIdentifier":"<db>","engine":"postgres","allocatedStorage":<small>,"status":"creating","masterUsername":"postgres","engineVersion":"15.4","snapshotType":"manual","encrypted":true,"kmsKeyId":"arn:aws:kms:<region>:<account>:key/<kmskey>","dBSnapshotArn":"arn:aws:rds:<region>:<account>:snapshot:<db>-<hex8>"}"#),
    write("ModifyDBInstance", 5, r#"{"dBInstanceIdentifier":"<db>","masterUserPassword":"****","applyImmediately":true,"allowMajorVersionUpgrade":false}"#, r#"{"dBInstanceIdentifier":"<db>","dBInstanceClass":"db.r6g.large","engine":"postgres","dBInstanceStatus":"available","pendingModifiedValues":{"masterUserPassword":"****"},"publiclyAccessible":false,"endpoint":{"address":"<db>.<hex8>.<region>.rds.amazonaws.com","port":5432}}"#),
    write("ModifyDBSnapshotAttribute", 3, r#"{"dBSnapshotIdentifier":"<db>-<hex8>","attributeName":"restore","valuesToAdd":["<otheraccount>"]}"#, r#"{"dBSnapshotIdentifier":"<db>-<hex8>","dBSnapshotAttributes":[{"attributeName":"restore","attributeValues":["<otheraccount>"]}]}"#),
];

#[rustfmt::skip]
const SQS: &[Call] = &[
    read("GetQueueAttributes", 150, r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<queue>","attributeNames":["ApproximateNumberOfMessages","QueueArn"]}"#),
    read("ListQueues", 20, r#"{"queueNamePrefix":"<queue>"}"#).returns(r#"{"queueUrls":["https://sqs.<region>.amazonaws.com/<account>/<queue>"]}"#),
    write("SetQueueAttributes", 5, r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<queue>","attributes":{"Policy":"<policy>"}}"#, "null"),
    write("PurgeQueue", 3, r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<queue>"}"#, "null"),
];

#[rustfmt::skip]
const KINESIS: &[Call] = &[
    read("DescribeStreamSummary", 80, r#"{"streamName":"<stream>"}"#),
    read("ListShards", 60, r#"{"streamName":"<stream>","maxResults":100}"#),
    write("UpdateShardCount", 3, r#"{"streamName":"<stream>","targetShardCount":<small>,"scalingType":"UNIFORM_SCALING"}"#, r#"{"streamName":"<stream>","currentShardCount":2,"targetShardCount":<small>}"#),
];

#[rustfmt::skip]
const ATHENA: &[Call] = &[
    write("StartQueryExecution", 36, r#"{"queryString":"SELECT eventname, count(*) FROM \"<database>\".\"cloudtrail\" WHERE region = '<region>' AND note LIKE '%<words>%' GROUP BY 1","clientRequestToken":"<uuid>","queryExecutionContext":{"database":"<database>"},"resultConfiguration":{"outputLocation":"s3://<bucket>/results/"},"workGroup":"primary"}"#, r#"{"queryExecutionId":"<uuid>"}"#),
    read("GetQueryExecution", 90, r#"{"queryExecutionId":"<uuid>"}"#),
    read("GetQueryResults", 30, r#"{"queryExecutionId":"<uuid>","maxResults":1000}"#),
];

#[rustfmt::skip]
const GLUE: &[Call] = &[
    read("GetTable", 120, r#"{"databaseName":"<database>","name":"<table>"}"#).by(Caller::OnBehalf("athena.amazonaws.com", 60)),
    read("GetPartitions", 70, r#"{"databaseName":"<database>","tableName":"<table>","expression":"dt >= '2024-03-01'","maxResults":1000}"#).by(Caller::OnBehalf("athena.amazonaws.com", 60)),
    write("BatchCreatePartition", 12, r#"{"databaseName":"<database>","tableName":"<table>","partitionInputList":[{"values":["<now>"],"storageDescriptor":{"location":"s3://<bucket>/<key>","inputFormat":"org.apache.hadoop.mapred.TextInputFormat","compressed":false,"numberOfBuckets":0}}]}"#, r#"{"errors":[]}"#),
    write("StartJobRun", 14, r#"{"jobName":"<function>","arguments":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"jobRunId":"jr_<hex64>"}"#).by(Caller::Service("events.amazonaws.com", 30)),
];
