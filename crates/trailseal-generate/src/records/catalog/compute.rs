//! EC2, load balancing, scaling, containers and functions.

use super::{Call, Caller, Class, JSON_ERRORS, QUERY_ERRORS, Scope, Service, event, read, write};

const EC2_ERRORS: &[(&str, &str)] = &[
    (
        "Client.UnauthorizedOperation",
        "You are not authorized to perform this operation. User: <arn> is not authorized to perform: <action> because no identity-based policy allows the <action> action. Encoded authorization failure message: <token>",
    ),
    ("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    ("Client.InvalidInstanceID.NotFound", "The instance ID '<instance>' does not exist"),
    ("Client.RequestLimitExceeded", "Request limit exceeded."),
    (
        "Server.InsufficientInstanceCapacity",
        "We currently do not have sufficient <itype> capacity in the Availability Zone you requested (<region>b).",
    ),
];

pub(super) const SERVICES: &[Service] = &[
    Service {
        source: "ec2.amazonaws.com",
        action: "ec2",
        host: "ec2.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: EC2_ERRORS,
        calls: EC2,
    },
    Service {
        source: "autoscaling.amazonaws.com",
        action: "autoscaling",
        host: "autoscaling.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: QUERY_ERRORS,
        calls: AUTOSCALING,
    },
    Service {
        source: "elasticloadbalancing.amazonaws.com",
        action: "elasticloadbalancing",
        host: "elasticloadbalancing.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "2015-12-01",
        errors: QUERY_ERRORS,
        calls: ELB,
    },
    Service {
        source: "ecs.amazonaws.com",
        action: "ecs",
        host: "ecs.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: ECS,
    },
    Service {
        source: "eks.amazonaws.com",
        action: "eks",
        host: "eks.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: EKS,
    },
    Service {
        source: "ecr.amazonaws.com",
        action: "ecr",
        host: "api.ecr.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: ECR,
    },
    Service {
        source: "lambda.amazonaws.com",
        action: "lambda",
        host: "lambda.<region>.amazonaws.com",
        scope: Scope::Regional,
        api_version: "",
        errors: JSON_ERRORS,
        calls: LAMBDA,
    },
];

#[rustfmt::skip]
const EC2: &[Call] = &[
    read("DescribeInstances", 1000, r#"{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"},{"value":"pending"}]}},{"name":"tag:Name","valueSet":{"items":[{"value":"<stack>-<service>"}]}}]}}"#),
    read("DescribeInstanceStatus", 420, r#"{"instancesSet":{"items":[{"instanceId":"<instance>"},{"instanceId":"<instance2>"}]},"filterSet":{},"includeAllInstances":true}"#),
    read("DescribeVolumes", 330, r#"{"volumeSet":{},"filterSet":{"items":[{"name":"attachment.instance-id","valueSet":{"items":[{"value":"<instance>"}]}}]}}"#),
    read("DescribeNetworkInterfaces", 300, r#"{"maxResults":1000,"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"<vpc>"}]}},{"name":"status","valueSet":{"items":[{"value":"in-use"}]}}]}}"#).by(Caller::OnBehalf("elasticloadbalancing.amazonaws.com", 30)),
    read("DescribeSecurityGroups", 280, r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"<sg>"},{"groupId":"<sg2>"}]},"filterSet":{}}"#),
    read("DescribeTags", 260, r#"{"maxResults":500,"filterSet":{"items":[{"name":"resource-id","valueSet":{"items":[{"value":"<instance>"}]}}]}}"#),
    read("DescribeSubnets", 240, r#"{"subnetSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"<vpc>"}]}}]}}"#),
    read("DescribeVpcs", 200, r#"{"vpcSet":{},"filterSet":{}}"#),
    read("DescribeAvailabilityZones", 160, r#"{"availabilityZoneSet":{},"availabilityZoneIdSet":{}}"#),
    read("DescribeRouteTables", 150, r#"{"routeTableIdSet":{"items":[{"routeTableId":"<rtb>"}]},"filterSet":{}}"#),
    read("DescribeSnapshots", 140, r#"{"maxResults":1000,"snapshotSet":{},"ownersSet":{"items":[{"owner":"self"}]},"sharedUsersSet":{},"filterSet":{"items":[{"name":"volume-id","valueSet":{"items":[{"value":"<volume>"}]}}]}}"#),
    read("DescribeImages", 130, r#"{"executableBySet":{},"imagesSet":{"items":[{"imageId":"<ami>"}]},"ownersSet":{},"filterSet":{}}"#),
    read("DescribeLaunchTemplateVersions", 90, r#"{"DescribeLaunchTemplateVersionsRequest":{"LaunchTemplateVersion":{"tag":1,"content":"$Latest"},"LaunchTemplateId":"<lt>"}}"#),
    read("DescribeAddresses", 80, r#"{"publicIpsSet":{},"filterSet":{},"allocationIdsSet":{"items":[{"allocationId":"<eip>"}]}}"#),
    read("DescribeNatGateways", 60, r#"{"DescribeNatGatewaysRequest":{"NatGatewayId":{"tag":1,"content":"<nat>"}}}"#),
    read("DescribeNetworkAcls", 50, r#"{"networkAclIdSet":{"items":[{"networkAclId":"<acl>"}]},"filterSet":{}}"#),
    read("DescribeVpcEndpoints", 45, r#"{"DescribeVpcEndpointsRequest":{"VpcEndpointId":{"tag":1,"content":"<vpce>"}}}"#),
    read("DescribeVpcAttribute", 40, r#"{"vpcId":"<vpc>","attribute":"enableDnsSupport"}"#),
    read("DescribeInternetGateways", 36, r#"{"internetGatewayIdSet":{},"filterSet":{"items":[{"name":"attachment.vpc-id","valueSet":{"items":[{"value":"<vpc>"}]}}]}}"#),
    read("DescribeKeyPairs", 30, r#"{"keySet":{"items":[{"keyName":"<keypair>"}]}}"#),
    read("DescribeInstanceAttribute", 22, r#"{"instanceId":"<instance>","attribute":"userData"}"#),
    read("GetPasswordData", 6, r#"{"instanceId":"<instance>"}"#),
    read("GetConsoleOutput", 12, r#"{"instanceId":"<instance>"}"#),
    write("RunInstances", 46, r#"{"instancesSet":{"items":[{"imageId":"<ami>","minCount":2,"maxCount":2,"keyName":"<keypair>"}]},"instanceType":"<itype>","blockDeviceMapping":{},"monitoring":{"enabled":true},"subnetId":"<subnet>","disableApiTermination":false,"clientToken":"<uuid>","iamInstanceProfile":{"arn":"arn:aws:iam::<account>:instance-profile/<role>"},"tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Name","value":"<words>"}]}]}}"#,
        r#"{"requestId":"<uuid>","reservationId":"r-0<hex16>","ownerId":"<account>","groupSet":{},"instancesSet":{"items":[<newinstances>]}}"#).by(Caller::OnBehalf("autoscaling.amazonaws.com", 60)),
    write("RunInstances", 2, r#"{"instancesSet":{"items":[{"imageId":"<ami>","minCount":40,"maxCount":40,"keyName":"<keypair>"}]},"userData":"\u003csensitiveDataRemoved\u003e","instanceType":"p3.8xlarge","blockDeviceMapping":{},"monitoring":{"enabled":false},"subnetId":"<subnet>","clientToken":"<uuid>"}"#,
        r#"{"requestId":"<uuid>","reservationId":"r-0<hex16>","ownerId":"<account>","groupSet":{},"instancesSet":{"items":[<manyinstances>]}}"#),
    write("TerminateInstances", 40, r#"{"instancesSet":{"items":[{"instanceId":"<instance>"}]}}"#, r#"{"requestId":"<uuid>","instancesSet":{"items":[{"instanceId":"<instance>","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}}]}}"#).by(Caller::OnBehalf("autoscaling.amazonaws.com", 50)),
    write("StopInstances", 20, r#"{"instancesSet":{"items":[{"instanceId":"<instance>"},{"instanceId":"<instance2>"}]},"force":false}"#, r#"{"requestId":"<uuid>","instancesSet":{"items":[{"instanceId":"<instance>","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}"#),
    write("StartInstances", 18, r#"{"instancesSet":{"items":[{"instanceId":"<instance>"}]}}"#, r#"{"requestId":"<uuid>","instancesSet":{"items":[{"instanceId":"<instance>","currentState":{"code":0,"name":"pending"},"previousState":{"code":80,"name":"stopped"}}]}}"#),
    write("CreateTags", 70, r#"{"resourcesSet":{"items":[{"resourceId":"<volume>"},{"resourceId":"<eni>"}]},"tagSet":{"items":[{"key":"Name","value":"<words>"},{"key":"owner","value":"<group>"}]}}"#, r#"{"requestId":"<uuid>","_return":true}"#),
    write("CreateNetworkInterface", 60, r#"{"subnetId":"<subnet>","description":"AWS Lambda VPC ENI-<function>-<uuid>","groupSet":{"items":[{"groupId":"<sg>"}]},"privateIpAddressesSet":{}}"#, r#"{"requestId":"<uuid>","networkInterface":{"networkInterfaceId":"eni-0<hex16>","subnetId":"<subnet>","vpcId":"<vpc>","availabilityZone":"<region>a","description":"AWS Lambda VPC ENI","ownerId":"<account>","requesterId":"<account>","requesterManaged":false,"status":"pending","macAddress":"06:1c:<hex2>:<hex2>:07:9b","privateIpAddress":"10.0.<private>","sourceDestCheck":true}}"#).by(Caller::OnBehalf("lambda.amazonaws.com", 80)),
    write("DeleteNetworkInterface", 50, r#"{"networkInterfaceId":"<eni>"}"#, r#"{"requestId":"<uuid>","_return":true}"#).by(Caller::OnBehalf("lambda.amazonaws.com", 80)),
    write("CreateSnapshot", 44, r#"{"volumeId":"<volume>","description":"<words>"}"#, r#"{"requestId":"<uuid>","snapshotId":"snap-0<hex16>","volumeId":"<volume>","status":"pending","startTime":<millis>,"progress":"","ownerId":"<account>","volumeSize":"<small>","description":"<words>","encrypted":true}"#).by(Caller::OnBehalf("backup.amazonaws.com", 40)),
    write("DeleteSnapshot", 30, r#"{"snapshotId":"<snapshot>","force":false}"#, r#"{"requestId":"<uuid>","_return":true}"#),
    write("ModifySnapshotAttribute", 4, r#"{"snapshotId":"<snapshot>","createVolumePermission":{"add":{"items":[{"userId":"<otheraccount>"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}"#, r#"{"requestId":"<uuid>","_return":true}"#),
    write("AuthorizeSecurityGroupIngress", 16, r#"{"groupId":"<sg>","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"203.0.113.0/24","description":"<words>"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, r#"{"requestId":"<uuid>","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"<account>","groupId":"<sg>","securityGroupRuleId":"sgr-0<hex16>","description":"<words>","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"203.0.113.0/24"}]}}"#),
    write("RevokeSecurityGroupIngress", 10, r#"{"groupId":"<sg>","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, r#"{"requestId":"<uuid>","_return":true}"#),
    write("CreateSecurityGroup", 8, r#"{"groupName":"<stack>-<service>","groupDescription":"<words>","vpcId":"<vpc>"}"#, r#"{"requestId":"<uuid>","groupId":"sg-0<hex16>"}"#),
    write("AttachVolume", 14, r#"{"volumeId":"<volume>","instanceId":"<instance>","device":"/dev/sdf","deleteOnTermination":false}"#, r#"{"requestId":"<uuid>","volumeId":"<volume>","instanceId":"<instance>","device":"/dev/sdf","status":"attaching","attachTime":<millis>,"deleteOnTermination":false}"#),
    write("AssociateAddress", 6, r#"{"allocationId":"<eip>","instanceId":"<instance>","allowReassociation":true}"#, r#"{"requestId":"<uuid>","_return":true,"associationId":"eipassoc-0<hex16>"}"#),
    write("CreateKeyPair", 3, r#"{"keyName":"<keypair>","keyType":"rsa","keyFormat":"pem"}"#, r#"{"requestId":"<uuid>","keyName":"<keypair>","keyFingerprint":"<hex32>","keyMaterial":"\u003csensitiveDataRemoved\u003e","keyPairId":"key-0<hex16>"}"#),
    write("DeleteFlowLogs", 3, r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-0<hex16>"}}}"#, r#"{"DeleteFlowLogsResponse":{"unsuccessful":"","xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"<uuid>"}}"#),
    event("SharedSnapshotVolumeCreated", 6, "ec2.amazonaws.com", r#"{"snapshotId":"<snapshot>"}"#),
    event("BidEvictedEvent", 5, "spot.amazonaws.com", r#"{"instanceIdSet":["<instance>"]}"#),
    read("DescribeRegions", 30, r#"{"regionSet":{}}"#).class(Class::Network),
];

#[rustfmt::skip]
const AUTOSCALING: &[Call] = &[
    read("DescribeAutoScalingGroups", 190, r#"{"autoScalingGroupNames":["<stack>-<service>"],"maxRecords":100}"#),
    read("DescribeScalingActivities", 60, r#"{"autoScalingGroupName":"<stack>-<service>","maxRecords":10}"#),
    write("SetDesiredCapacity", 24, r#"{"autoScalingGroupName":"<stack>-<service>","desiredCapacity":<small>,"honorCooldown":false}"#, "null"),
    write("TerminateInstanceInAutoScalingGroup", 10, r#"{"instanceId":"<instance>","shouldDecrementDesiredCapacity":true}"#, r#"{"activity":{"activityId":"<uuid>","autoScalingGroupName":"<stack>-<service>","cause":"At <now> instance <instance> was taken out of service in response to a user request.","description":"Terminating EC2 instance: <instance>","details":"{\"Subnet ID\":\"<subnet>\",\"Availability Zone\":\"<region>a\"}","progress":0,"startTime":"<now>","statusCode":"InProgress"}}"#),
];

#[rustfmt::skip]
const ELB: &[Call] = &[
    read("DescribeTargetHealth", 260, r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<service>/<hex16>"}"#),
    read("DescribeLoadBalancers", 150, r#"{"pageSize":400}"#),
    read("DescribeTargetGroups", 90, r#"{"names":["<service>"]}"#),
    write("RegisterTargets", 40, r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<service>/<hex16>","targets":[{"id":"10.0.<private>","port":8080,"availabilityZone":"<region>b"}]}"#, "null").by(Caller::OnBehalf("ecs.amazonaws.com", 70)),
    write("DeregisterTargets", 40, r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<service>/<hex16>","targets":[{"id":"10.0.<private>","port":8080}]}"#, "null").by(Caller::OnBehalf("ecs.amazonaws.com", 70)),
    write("ModifyListener", 5, r#"{"listenerArn":"arn:aws:elasticloadbalancing:<region>:<account>:listener/app/<service>/<hex16>/<hex16>","certificates":[{"certificateArn":"arn:aws:acm:<region>:<account>:certificate/<cert>"}],"sslPolicy":"ELBSecurityPolicy-TLS13-1-2-2021-06"}"#, r#"{"listeners":[{"listenerArn":"arn:aws:elasticloadbalancing:<region>:<account>:listener/app/<service>/<hex16>/<hex16>","port":443,"protocol":"HTTPS"}]}"#),
];

#[rustfmt::skip]
const ECS: &[Call] = &[
    read("DescribeTasks", 170, r#"{"cluster":"<cluster>","tasks":["arn:aws:ecs:<region>:<account>:task/<cluster>/<hex32>"],"include":["TAGS"]}"#),
    read("DescribeServices", 140, r#"{"cluster":"arn:aws:ecs:<region>:<account>:cluster/<cluster>","services":["<service>"]}"#),
    read("ListTasks", 70, r#"{"cluster":"<cluster>","serviceName":"<service>","desiredStatus":"RUNNING"}"#),
    read("DescribeContainerInstances", 40, r#"{"cluster":"<cluster>","containerInstances":["<hex32>"]}"#),
    write("SubmitTaskStateChange", 110, r#"{"cluster":"<cluster>","task":"arn:aws:ecs:<region>:<account>:task/<cluster>/<hex32>","status":"RUNNING","pullStartedAt":"<now>","executionStoppedAt":"<expiry>"}"#, r#"{"acknowledgment":"ACK"}"#),
    write("RegisterTaskDefinition", 14, r#"{"family":"<service>","networkMode":"awsvpc","taskRoleArn":"arn:aws:iam::<account>:role/<role>","containerDefinitions":[{"name":"<service>","image":"<account>.dkr.ecr.<region>.amazonaws.com/<repo>:<hex8>","cpu":0,"memory":512,"essential":true,"environment":[{"name":"STAGE","value":"HIDDEN_DUE_TO_SECURITY_REASONS"}],"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"<loggroup>","awslogs-region":"<region>"}}}],"requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512"}"#, r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:<region>:<account>:task-definition/<service>:<small>","family":"<service>","revision":<small>,"status":"ACTIVE","registeredAt":"<now>","registeredBy":"<arn>"}}"#),
    write("UpdateService", 16, r#"{"cluster":"<cluster>","service":"<service>","taskDefinition":"<service>:<small>","forceNewDeployment":true}"#, r#"{"service":{"serviceArn":"arn:aws:ecs:<region>:<account>:service/<cluster>/<service>","serviceName":"<service>","status":"ACTIVE","desiredCount":2,"runningCount":2,"pendingCount":0,"launchType":"FARGATE","deployments":[{"id":"ecs-svc/<hex16>","status":"PRIMARY","desiredCount":2}],"events":[]}}"#),
    write("RunTask", 20, r#"{"cluster":"<cluster>","taskDefinition":"<service>","launchType":"FARGATE","networkConfiguration":{"awsvpcConfiguration":{"subnets":["<subnet>"],"securityGroups":["<sg>"],"assignPublicIp":"DISABLED"}},"overrides":{"containerOverrides":[{"name":"<service>","environment":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}}"#, r#"{"tasks":[{"taskArn":"arn:aws:ecs:<region>:<account>:task/<cluster>/<hex32>","clusterArn":"arn:aws:ecs:<region>:<account>:cluster/<cluster>","lastStatus":"PROVISIONING","desiredStatus":"RUNNING","launchType":"FARGATE","startedBy":"<rule>"}],"failures":[]}"#).by(Caller::OnBehalf("events.amazonaws.com", 50)),
];

#[rustfmt::skip]
const EKS: &[Call] = &[
    read("DescribeCluster", 60, r#"{"name":"<cluster>"}"#),
    read("ListNodegroups", 24, r#"{"name":"<cluster>"}"#),
    read("DescribeNodegroup", 20, r#"{"name":"<cluster>","nodegroupName":"<service>"}"#),
    write("UpdateNodegroupConfig", 4, r#"{"name":"<cluster>","nodegroupName":"<service>","scalingConfig":{"minSize":1,"maxSize":<small>,"desiredSize":2},"clientRequestToken":"<uuid>"}"#, r#"{"update":{"id":"<uuid>","status":"InProgress","type":"ConfigUpdate","params":[{"type":"MaxSize","value":"<small>"}],"createdAt":<millis>,"errors":[]}}"#),
];

#[rustfmt::skip]
const ECR: &[Call] = &[
    read("GetAuthorizationToken", 120, "null").returns(r#"{"authorizationData":[{"expiresAt":"<expiry>","proxyEndpoint":"https://<account>.dkr.ecr.<region>.amazonaws.com"}]}"#),
    read("BatchGetImage", 130, r#"{"registryId":"<account>","repositoryName":"<repo>","imageIds":[{"imageTag":"<hex8>"}],"acceptedMediaTypes":["application/vnd.docker.distribution.manifest.v2+json","application/vnd.oci.image.manifest.v1+json"]}"#).on(r#"[{"ARN":"arn:aws:ecr:<region>:<account>:repository/<repo>","accountId":"<account>"}]"#),
    read("GetDownloadUrlForLayer", 150, r#"{"registryId":"<account>","repositoryName":"<repo>","layerDigest":"sha256:<hex64>"}"#).on(r#"[{"ARN":"arn:aws:ecr:<region>:<account>:repository/<repo>","accountId":"<account>"}]"#),
    write("PutImage", 12, r#"{"registryId":"<account>","repositoryName":"<repo>","imageTag":"<hex8>","imageManifest":"{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"application/vnd.docker.distribution.manifest.v2+json\",\n   \"config\": {\n      \"size\": 4571,\n      \"digest\": \"sha256:<hex64>\"\n   }\n}"}"#, r#"{"image":{"registryId":"<account>","repositoryName":"<repo>","imageId":{"imageDigest":"sha256:<hex64>","imageTag":"<hex8>"}}}"#).on(r#"[{"ARN":"arn:aws:ecr:<region>:<account>:repository/<repo>","accountId":"<account>"}]"#),
    event("PolicyExecutionEvent", 5, "AWS Internal", r#"{"repositoryName":"<repo>","lifecycleEventPolicy":{"lifecycleEventRules":[{"rulePriority":1,"description":"<words>"}]},"lifecycleEventImageActions":[{"lifecycleEventImage":{"digest":"sha256:<hex64>","pushedAt":<millis>},"rulePriority":1}]}"#),
];

#[rustfmt::skip]
const LAMBDA: &[Call] = &[
    read("GetFunction20150331v2", 60, r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<function>"}"#),
    read("ListFunctions20150331", 40, r#"{"maxItems":50}"#),
    read("GetPolicy20150331v2", 22, r#"{"functionName":"<function>"}"#),
    write("UpdateFunctionCode20150331v2", 16, r#"{"functionName":"<function>","s3Bucket":"<bucket>","s3Key":"<key>","publish":false,"dryRun":false}"#, r#"{"functionName":"<function>","functionArn":"arn:aws:lambda:<region>:<account>:function:<function>","runtime":"python3.12","role":"arn:aws:iam::<account>:role/<role>","handler":"app.handler","codeSize":<bytes>,"description":"<words>","timeout":30,"memorySize":512,"lastModified":"<now>","codeSha256":"<hex64>","version":"$LATEST","environment":{},"tracingConfig":{"mode":"Active"},"revisionId":"<uuid>"}"#),
    write("UpdateFunctionConfiguration20150331v2", 9, r#"{"functionName":"<function>","environment":{},"timeout":<small>}"#, r#"{"functionName":"<function>","functionArn":"arn:aws:lambda:<region>:<account>:function:<function>","runtime":"nodejs20.x","role":"arn:aws:iam::<account>:role/<role>","lastModified":"<now>","revisionId":"<uuid>"}"#),
    write("AddPermission20150331v2", 5, r#"{"functionName":"<function>","statementId":"Allow<hex8>","action":"lambda:InvokeFunction","principal":"events.amazonaws.com","sourceArn":"arn:aws:events:<region>:<account>:rule/<rule>"}"#, r#"{"statement":"{\"Sid\":\"Allow<hex8>\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:<region>:<account>:function:<function>\"}"}"#),
    write("CreateEventSourceMapping20150331", 3, r#"{"eventSourceArn":"arn:aws:sqs:<region>:<account>:<queue>","functionName":"<function>","batchSize":10}"#, r#"{"uUID":"<uuid>","functionArn":"arn:aws:lambda:<region>:<account>:function:<function>","state":"Creating","lastModified":"<now>"}"#),
    write("Invoke", 420, r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<function>","invocationType":"Event","clientContext":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, "null").class(Class::Data).by(Caller::Service("events.amazonaws.com", 45)).additional(r#"{"functionVersion":"arn:aws:lambda:<region>:<account>:function:<function>:$LATEST"}"#).on(r#"[{"accountId":"<account>","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:<region>:<account>:function:<function>"}]"#),
];
