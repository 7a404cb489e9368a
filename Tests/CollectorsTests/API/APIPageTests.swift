import JSON
import Testing

@testable import Collectors

struct APIPageTests {
  @Test func `tokens lead on until there is none`() throws {
    let page = APIPage(input: ["Marker"], output: ["NextMarker"])
    #expect(try page.next(after: ["NextMarker": "a"], given: nil) == ["Marker": "a"])
    #expect(try page.next(after: [:], given: ["Marker": "a"]) == nil)
    #expect(try page.next(after: ["NextMarker": ""], given: nil) == nil)
    #expect(try page.next(after: ["NextMarker": .null], given: nil) == nil)
  }

  @Test func `a flag decides where there is one`() throws {
    let page = APIPage(input: ["Marker"], output: ["Marker"], more: "IsTruncated")
    let truncated: JSONValue = ["Marker": "a", "IsTruncated": true]
    #expect(try page.next(after: truncated, given: nil) == ["Marker": "a"])
    #expect(try page.next(after: ["Marker": "a", "IsTruncated": false], given: nil) == nil)
  }

  @Test func `a flag that is missing leaves it to the token`() throws {
    let page = APIPage(input: ["Marker"], output: ["NextMarker"], more: "Truncated")
    #expect(try page.next(after: ["NextMarker": "a"], given: nil) == ["Marker": "a"])
    #expect(try page.next(after: [:], given: nil) == nil)
  }

  @Test func `a list that goes on without saying how is an error, not an end`() {
    let page = APIPage(input: ["Marker"], output: ["Marker"], more: "IsTruncated")
    #expect(throws: APIPageError.noToken) {
      try page.next(after: ["IsTruncated": true], given: nil)
    }
    #expect(throws: APIPageError.samePage) {
      try page.next(after: ["IsTruncated": true, "Marker": "a"], given: ["Marker": "a"])
    }
  }

  @Test func `links are read by their query`() throws {
    let page = APIPage(input: ["start"], output: ["next.href"], isLink: true)
    let more: JSONValue = ["next": ["href": "https://x.test/v1/y?limit=2&start=a%2Fb"]]
    #expect(try page.next(after: more, given: nil) == ["start": "a/b"])
    #expect(try page.next(after: ["next": .null], given: nil) == nil)
    #expect(throws: APIPageError.noToken) {
      try page.next(after: ["next": ["href": "https://x.test/v1/y"]], given: nil)
    }
  }
}
