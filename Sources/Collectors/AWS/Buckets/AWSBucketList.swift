/// The answer to ListObjectsV2.
struct AWSBucketList {
  let page: AWSBucket.Page

  /// Reads an answer.
  ///
  /// - Throws: ``AWSMisfit``; what is not understood must not look like an empty bucket.
  init(parsing body: [UInt8]) throws(AWSMisfit) {
    let root: XMLTree
    do { root = try XMLTree(parsing: body) } catch { throw AWSMisfit("\(error)") }
    guard root.name == "ListBucketResult", let isCut = root["IsTruncated"]?.text else {
      throw AWSMisfit("is <\(root.name)> where <ListBucketResult> is expected")
    }
    let isEncoded = root["EncodingType"]?.text == "url"
    var objects: [AWSBucket.Object] = []
    for entry in root.all("Contents") ?? [] {
      guard let key = entry["Key"]?.text, let size = (entry["Size"]?.text).flatMap({ Int64($0) }),
        let tag = entry["ETag"]?.text
      else { throw AWSMisfit("an object has no key, size or tag") }
      objects.append(
        AWSBucket.Object(key: isEncoded ? Self.decoded(key) : key, size: size, tag: tag)
      )
    }
    let next = root["NextContinuationToken"]?.text
    guard isCut != "true" || next?.isEmpty == false else {
      throw AWSMisfit("is cut off, and does not say where the list goes on")
    }
    page = AWSBucket.Page(objects: objects, next: isCut == "true" ? next : nil)
  }

  /// A key as it was before it was encoded as forms are.
  private static func decoded(_ text: String) -> String {
    let bytes = PercentEncoding.decoded(text.replacing("+", with: " "))
    return String(decoding: bytes, as: UTF8.self)
  }
}
