import Collectors
import Foundation
import JSON
import TestSupport
import Testing

/// Facts about a few services, for tests by hand.
enum SampleFacts {
  static let text = """
    {"botocore":"1.0.0","services":{
      "iam":{"protocol":"query","apiVersion":"2010-05-08","endpointPrefix":"iam","signingName":"iam",
        "global":{"aws":"us-east-1"},
        "operations":{"ListUsers":{"method":"POST","uri":"/","resultWrapper":"ListUsersResult",
          "input":{"Marker":{"shape":"string"},"MaxItems":{"shape":"integer"}},
          "output":"#iam.ListUsersResponse",
          "page":{"input":["Marker"],"output":["Marker"],"more":"IsTruncated","limit":"MaxItems"}}}},
      "ec2":{"protocol":"ec2","apiVersion":"2016-11-15","endpointPrefix":"ec2","signingName":"ec2",
        "operations":{"DescribeVpcs":{"method":"POST","uri":"/","output":"#ec2.Vpcs",
          "input":{"Filters":{"shape":"#ec2.Filters","wire":"Filter"},"DryRun":{"shape":"boolean","wire":"dryRun"}}}}},
      "logs":{"protocol":"json","apiVersion":"2014-03-28","endpointPrefix":"logs","signingName":"logs",
        "targetPrefix":"Logs_20140328","jsonVersion":"1.1",
        "operations":{"DescribeLogGroups":{"method":"POST","uri":"/","output":"#logs.Groups",
          "input":{"limit":{"shape":"integer"},"prefix":{"shape":"string"}}}}},
      "lambda":{"protocol":"rest-json","apiVersion":"2015-03-31","endpointPrefix":"lambda","signingName":"lambda",
        "operations":{"GetPolicy":{"method":"GET","uri":"/functions/{FunctionName}/policy","output":"#logs.Groups",
          "input":{"FunctionName":{"shape":"string","location":"uri"},
                   "Qualifier":{"shape":"#lambda.Texts","location":"querystring"}}}}},
      "glacier":{"protocol":"rest-json","apiVersion":"2012-06-01","endpointPrefix":"glacier","signingName":"glacier",
        "operations":{"ListVaults":{"method":"GET","uri":"/{accountId}/vaults",
          "input":{"accountId":{"shape":"string","location":"uri"}}}}},
      "account":{"protocol":"rest-json","apiVersion":"2021-02-01","endpointPrefix":"account","signingName":"account",
        "operations":{"GetContactInformation":{"method":"POST","uri":"/getContactInformation","input":{}}}},
      "route53":{"protocol":"rest-xml","apiVersion":"2013-04-01","endpointPrefix":"route53","signingName":"route53",
        "operations":{"GetHostedZone":{"method":"GET","uri":"/2013-04-01/hostedzone/{Id}",
          "input":{"Id":{"shape":"string","location":"uri"}}}}},
      "s3":{"protocol":"rest-xml","apiVersion":"2006-03-01","endpointPrefix":"s3","signingName":"s3",
        "operations":{
          "ListBuckets":{"method":"GET","uri":"/","input":{},"output":"#s3.ListBucketsOutput"},
          "GetBucketAcl":{"method":"GET","uri":"/{Bucket}?acl","output":"#s3.Acl",
            "input":{"Bucket":{"shape":"string","location":"uri"},
                     "ExpectedBucketOwner":{"shape":"string","location":"header","wire":"x-amz-expected-bucket-owner"}}},
          "GetBucketLocation":{"method":"GET","uri":"/{Bucket}?location","output":"#s3.Location",
            "input":{"Bucket":{"shape":"string","location":"uri"}}},
          "GetBucketPolicy":{"method":"GET","uri":"/{Bucket}?policy","output":"#s3.Policy",
            "input":{"Bucket":{"shape":"string","location":"uri"}}},
          "GetPublicAccessBlock":{"method":"GET","uri":"/{Bucket}?publicAccessBlock","output":"#s3.BlockOutput",
            "input":{"Bucket":{"shape":"string","location":"uri"}}},
          "GetBucketTagging":{"method":"GET","uri":"/{Bucket}?tagging","output":"#s3.Tagging",
            "input":{"Bucket":{"shape":"string","location":"uri"}}},
          "GetObject":{"method":"GET","uri":"/{Bucket}/{Key+}",
            "input":{"Bucket":{"shape":"string","location":"uri"},"Key":{"shape":"string","location":"uri"}}}}},
      "s3control":{"protocol":"rest-xml","apiVersion":"2018-08-20","endpointPrefix":"s3-control","signingName":"s3",
        "operations":{"GetPublicAccessBlock":{"method":"GET","uri":"/v20180820/configuration/publicAccessBlock",
          "endpointPrefix":"{AccountId}.",
          "input":{"AccountId":{"shape":"string","location":"header","wire":"x-amz-account-id"}}}}}
     },"shapes":{
      "iam.ListUsersResponse":{"type":"structure","members":{
        "Users":{"shape":"#iam.Users"},"IsTruncated":{"shape":"boolean"},"Marker":{"shape":"string"}}},
      "iam.Users":{"type":"list","member":"#iam.User"},
      "iam.User":{"type":"structure","members":{
        "UserName":{"shape":"string"},"CreateDate":{"shape":"timestamp"},"Inner":{"shape":"#iam.User"}}},
      "lambda.Texts":{"type":"list","member":"string"},
      "ec2.Filters":{"type":"list","member":"#ec2.Filter","memberWire":"Filter"},
      "ec2.Filter":{"type":"structure","members":{
        "Name":{"shape":"string"},"Values":{"shape":"#ec2.Values","wire":"Value"}}},
      "ec2.Values":{"type":"list","member":"string","memberWire":"item"},
      "ec2.Vpcs":{"type":"structure","members":{"Vpcs":{"shape":"#ec2.VpcList","wire":"vpcSet"}}},
      "ec2.VpcList":{"type":"list","member":"#ec2.Vpc","memberWire":"item"},
      "ec2.Vpc":{"type":"structure","members":{"VpcId":{"shape":"string","wire":"vpcId"},
        "IsDefault":{"shape":"boolean","wire":"isDefault"},"Count":{"shape":"integer","wire":"count"}}},
      "logs.Groups":{"type":"structure","members":{"groups":{"shape":"#logs.GroupList"},
        "next":{"shape":"string"},"labels":{"shape":"#logs.Labels"}}},
      "logs.Labels":{"type":"map","key":"string","value":"string"},
      "logs.GroupList":{"type":"list","member":"#logs.Group"},
      "logs.Group":{"type":"structure","members":{"name":{"shape":"string"},"created":{"shape":"timestamp"},
        "bytes":{"shape":"integer"},"ratio":{"shape":"float"},"isOn":{"shape":"boolean"},
        "key":{"shape":"blob","sensitive":true}}},
      "s3.ListBucketsOutput":{"type":"structure","members":{"Buckets":{"shape":"#s3.Buckets"}}},
      "s3.Buckets":{"type":"list","member":"#s3.Bucket","memberWire":"Bucket"},
      "s3.Bucket":{"type":"structure","members":{"Name":{"shape":"string"},"CreationDate":{"shape":"timestamp"}}},
      "s3.Acl":{"type":"structure","members":{"Grants":{"shape":"#s3.Grants","wire":"AccessControlList"}}},
      "s3.Grants":{"type":"list","member":"#s3.Grant","memberWire":"Grant"},
      "s3.Grant":{"type":"structure","members":{"Grantee":{"shape":"#s3.Grantee"},"Permission":{"shape":"string"}}},
      "s3.Grantee":{"type":"structure","members":{"Type":{"shape":"string","wire":"xsi:type","attribute":true},
        "URI":{"shape":"string"}}},
      "s3.Location":{"type":"structure","members":{"LocationConstraint":{"shape":"string"}}},
      "s3.Policy":{"type":"structure","payload":"Policy","members":{"Policy":{"shape":"string"}}},
      "s3.BlockOutput":{"type":"structure","payload":"Configuration","members":{
        "Configuration":{"shape":"#s3.Block"}}},
      "s3.Block":{"type":"structure","members":{"BlockPublicAcls":{"shape":"boolean"}}},
      "s3.Tagging":{"type":"structure","members":{"TagSet":{"shape":"#s3.Tags"}}},
      "s3.Tags":{"type":"list","member":"string","memberWire":"Tag"}
     }}
    """

  /// The facts that the program carries.
  static func shipped() throws -> AWSFacts {
    let file = Fixtures.root.appendingPathComponent("Sources/Collectors/AWS/facts.json")
    return try AWSFacts(parsing: Array(Data(contentsOf: file)))
  }

  /// A service and one of its operations.
  static func operation(
    _ id: String,
    _ name: String
  ) throws -> (service: AWSService, operation: AWSOperation) {
    let service = try #require(try AWSFacts(parsing: Array(text.utf8)).service(id))
    return (service, try #require(service.operations[name]))
  }
}

extension AWSFacts {
  /// The ids of all services, in order.
  var serviceIDs: [String] {
    json["services"]?.object?.members.map { $0.key }.sorted() ?? []
  }
}
