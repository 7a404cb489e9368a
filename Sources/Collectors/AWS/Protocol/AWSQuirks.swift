/// What single services want and the models do not say.
enum AWSQuirks {
  /// Headers that every request to a service needs.
  static func headers(_ service: AWSService) -> [(name: String, value: String)] {
    switch service.id {
    // It answers in another form of JSON otherwise.
    case "apigateway": [("Accept", "application/json")]
    case "glacier": [("x-amz-glacier-version", service.apiVersion)]
    // They were query services once, and keep the codes of their errors for those who ask.
    case "cloudwatch", "sqs": [("x-amzn-query-mode", "true")]
    default: []
    }
  }

  /// Whether a member takes an id that Route 53 itself shows with a path before it.
  static func isPathID(_ member: AWSMember, _ service: AWSService) -> Bool {
    service.id == "route53" && member.location == .uri
  }
}
