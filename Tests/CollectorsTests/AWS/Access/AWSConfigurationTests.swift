import Collectors
import Foundation
import Testing

private func read(_ text: String) throws -> AWSConfigurationFile {
  try AWSConfigurationFile(Array(text.utf8), file: "f")
}

private func fault(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}

/// A configuration out of one of the files of botocore's tests.
private func shipped(_ name: String, profile: String? = nil) throws -> AWSConfiguration {
  let path = AccessCases.folder.appendingPathComponent("configurations/\(name)").path
  try #require(FileManager.default.fileExists(atPath: path), "script/prepare --tests gets \(path)")
  return try AWSConfiguration(
    variables: ["AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"],
    profile: profile
  )
}

struct AWSConfigurationFileTests {
  @Test func `settings, comments, white space and sections are read`() throws {
    let file = try read(
      "\u{FEFF}# first\r\n\r\n  ; second\r\n [ default ] # third\r\nRegion=eu-west-1   # why\r\n"
        + "output =\tjson ; more\r\nempty =\r\nmark = a#b;c\r\n[profile  \"my profile\"]\r\n"
        + "role_arn : arn:aws:iam::1:role/x\r\n[default]\r\nregion = us-east-1\r\n"
    )
    let section = try #require(file.sections["default"])
    #expect(
      section.settings.mapValues(\.text) == [
        "region": "us-east-1", "output": "json", "empty": "", "mark": "a#b;c",
      ]
    )
    #expect(section.settings["region"]?.place == "f, line 12")
    #expect(section.place == "f, line 4")
    let other = try #require(file.sections["profile \"my profile\""])
    #expect(other.settings["role_arn"]?.text == "arn:aws:iam::1:role/x")
  }

  @Test func `what is indented deeper belongs to the setting above`() throws {
    let file = try read(
      "[default]\n  a = 1\n  b = 2\n    3\n  s3 =\n    # why\n    style = path # x\n    url = h://y\n"
        + "  c = 4\n"
    )
    let section = try #require(file.sections["default"])
    #expect(section.settings.mapValues(\.text) == ["a": "1", "b": "2\n3", "s3": "", "c": "4"])
    #expect(section.nested["s3"]?.mapValues(\.text) == ["style": "path", "url": "h://y"])
  }

  @Test(arguments: [
    ("a = 1\n", "f, line 1: a setting stands before any [section]"),
    ("[x]\n\nsecret-word\n", "f, line 3: is neither [section] nor key = value nor a comment"),
    ("[x\na = 1", "f, line 1: the section's heading has no closing ]"),
    ("[x]\ns3 =\n  secret @ x\n", "f, line 3: is neither [section] nor key = value nor a comment"),
    ("[x]\n= 1\n", "f, line 2: is neither [section] nor key = value nor a comment"),
  ])
  func `a line that cannot be read is named and not shown`(text: String, message: String) {
    #expect(fault { _ = try read(text) } == message)
  }

  @Test func `bytes that are no text are refused`() {
    let message = fault { _ = try AWSConfigurationFile([0x5B, 0xFF, 0x5D], file: "f") }
    #expect(message == "f: is not UTF-8 text; save it as UTF-8")
  }
}

struct AWSConfigurationTests {
  @Test(arguments: [
    ("aws_config", "default", "foo"), ("aws_config", "personal", "fie"),
    ("aws_config_other", "default", "other_foo"), ("aws_third_config", "third", "third_fie"),
    ("foo_config", "foo", "fie"), ("aws_bad_profile", "default", "default"),
    ("aws_bad_profile", "my profile", "default"),
    ("aws_bad_profile", "personal1", "access_personal1"), ("aws_config_nested", "default", "foo"),
  ])
  func `botocore's files give the same keys`(file: String, profile: String, key: String) throws {
    let found = try #require(try shipped(file, profile: profile).currentProfile())
    #expect(found["aws_access_key_id"]?.text == key)
  }

  @Test func `botocore's nested settings are found`() throws {
    let profile = try #require(try shipped("aws_config_nested").currentProfile())
    #expect(profile["s3", "signature_version"]?.text == "s3v4")
    #expect(profile["s3", "addressing_style"]?.text == "path")
    #expect(profile["cloudwatch", "signature_version"]?.text == "v4")
    #expect(profile["region"]?.text == "us-west-2")
  }

  @Test(arguments: ["aws_config_bad", "aws_config_badbytes", "aws_config_nested_bad"])
  func `botocore's broken files are refused`(file: String) {
    #expect(throws: AWSCredentialError.self) { try shipped(file) }
  }

  @Test(arguments: ["personal", "missing end quote"])
  func `a profile with a broken heading is not there`(name: String) throws {
    let configuration = try shipped("aws_bad_profile", profile: name)
    #expect(throws: AWSCredentialError.self) { try configuration.currentProfile() }
  }

  @Test func `credentials win over config, and each setting knows its file`() throws {
    let scene = try AccessScene(
      config: "[profile a]\nregion = r\naws_access_key_id = config\n",
      credentials: "[a]\naws_access_key_id = credentials\n"
    )
    let profile = try #require(try scene.configuration().profile("a"))
    #expect(profile["aws_access_key_id"]?.text == "credentials")
    #expect(profile["aws_access_key_id"]?.file.hasSuffix("/.aws/credentials") == true)
    #expect(profile["region"]?.place.hasSuffix("/.aws/config, line 2") == true)
  }

  @Test func `files are where the variables say`() throws {
    let scene = try AccessScene()
    _ = try scene.file("other", "[default]\nregion = here\n")
    let home = scene.folder.path
    let configuration = try AWSConfiguration(
      variables: ["HOME": home, "AWS_CONFIG_FILE": "~/other", "AWS_REGION": ""]
    )
    #expect(try configuration.region() == "here")
    let none = try AWSConfiguration(variables: [:])
    #expect(try none.currentProfile() == nil)
    #expect(throws: AWSCredentialError.self) {
      try AWSConfiguration(variables: ["HOME": home, "AWS_CONFIG_FILE": home])
    }
  }

  @Test(arguments: [
    ([:], "config"), (["AWS_DEFAULT_REGION": "d"], "d"),
    (["AWS_DEFAULT_REGION": "d", "AWS_REGION": "r"], "r"),
  ])
  func `the region comes from the environment, then from the profile`(
    variables: [String: String],
    region: String
  ) throws {
    let scene = try AccessScene(config: "[default]\nregion = config\n", variables)
    #expect(try scene.configuration().region() == region)
  }

  @Test func `a profile that is not there is explained`() throws {
    let scene = try AccessScene(
      config: "[default]\n[prod]\nregion = r\n[profile test]\n",
      credentials: "[old]\n",
      ["AWS_PROFILE": "prod"]
    )
    let configuration = try scene.configuration()
    let message = fault { _ = try configuration.currentProfile() }
    #expect(
      message.replacing(scene.folder.path, with: "~")
        == "there is no profile \"prod\", which AWS_PROFILE names; write [prod] as [profile prod] in "
        + "~/.aws/config, line 2"
    )
    let other = try AccessScene(config: "[default]\n[profile test]\n", ["AWS_PROFILE": "x"])
    let otherConfiguration = try other.configuration()
    let otherMessage = fault { _ = try otherConfiguration.currentProfile() }
    #expect(otherMessage.contains("there are default, test (\(other.folder.path)/.aws/config, "))
    #expect(otherMessage.hasSuffix("/.aws/credentials is not there)"))
  }

  private static let endpoints = """
    [default]
    endpoint_url = http://profile
    services = mine
    [services mine]
    elastic_load_balancing =
      endpoint_url = http://section
    """

  @Test(arguments: [
    ([:], "EC2", "http://profile"), ([:], "Elastic Load Balancing", "http://section"),
    (["AWS_ENDPOINT_URL": "http://all"], "Elastic Load Balancing", "http://all"),
    (
      ["AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING": "http://one"],
      "Elastic Load Balancing", "http://one"
    ),
    (["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE", "AWS_ENDPOINT_URL": "h://x"], "EC2", nil),
  ])
  func `endpoint URLs are found in AWS's order`(
    variables: [String: String],
    service: String,
    url: String?
  ) throws {
    let scene = try AccessScene(config: Self.endpoints, variables)
    #expect(try scene.configuration().endpointURL(serviceID: service) == url)
  }

  @Test func `botocore's services section gives its URLs`() throws {
    let configuration = try shipped("aws_services_config")
    #expect(try configuration.endpointURL(serviceID: "S3") == "https://localhost:5678/")
    #expect(try configuration.endpointURL(serviceID: "DynamoDB") == "https://localhost:8888/")
    #expect(try configuration.endpointURL(serviceID: "EC2") == "https://localhost:1234/")
  }

  @Test func `a services section that is not there is an error`() throws {
    let scene = try AccessScene(config: "[default]\nservices = gone\n")
    let configuration = try scene.configuration()
    let message = fault { _ = try configuration.endpointURL(serviceID: "S3") }
    #expect(message.hasSuffix("config, line 2): there is no [services gone]"))
  }
}
