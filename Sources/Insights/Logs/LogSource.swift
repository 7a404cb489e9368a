import JSON
package import Model

/// A kind of log: how it is recognised, what its fields mean, where it says what happened.
///
/// A document of `Content/logsources`.
package struct LogSource: Sendable {
  /// What a record tells, by OCSF's names.
  package enum Fact: String, Sendable, CaseIterable {
    case id, time, operation, service, resource, region, account, request
    case actorID = "actor_id"
    case actorName = "actor_name"
    case actorType = "actor_type"
    case actorAccount = "actor_account"
    case sourceIP = "source_ip"
    case userAgent = "user_agent"
    case errorCode = "error_code"
    case errorMessage = "error_message"
  }

  /// What a record can be said to be.
  package enum Mark: String, Sendable, CaseIterable {
    /// What was asked for happened; of a record that is neither this nor failed, nothing is known.
    case succeeded
    /// What was asked for did not happen.
    case failed
    /// It was refused for want of permission; a denied record is failed too.
    case denied
    /// The actor is no person: a service, a role of a machine, a service account.
    case app
    case create, read, update, delete
    /// A sign-in.
    case authentication
  }

  package var id: String
  package var title: String
  /// What rules call it.
  package var selectors: [LogSourceSelector]
  /// What a record of this kind looks like.
  package var recognised: SigmaExpression
  /// What rules call fields that the record calls otherwise, with the paths of each.
  package var fields: [String: [String]]
  /// Where a record states a fact; the first path that has a value counts.
  package var facts: [Fact: [String]]
  package var marks: [Mark: SigmaExpression]
  /// The OCSF product name and vendor.
  package var product: String
  package var vendor: String
  package var provider: String

  /// Reads a document.
  package init(_ node: DocumentNode) throws(DocumentError) {
    let members = try NodeMembers(node)
    id = try members.required("id").text("id")
    title = try members.required("title").text("title")
    vendor = try members.required("vendor").text("vendor")
    product = try members.required("product").text("product")
    provider = try members.required("provider").text("provider")
    selectors = []
    for element in try members.required("logsource").elements {
      let inner = try NodeMembers(element, path: "logsource")
      selectors.append(
        LogSourceSelector(
          product: try inner.text("product"),
          service: try inner.text("service"),
          category: try inner.text("category")
        )
      )
    }
    let reader = SelectionReader()
    recognised = try reader.selection(members.required("recognised"), path: "recognised")
    fields = [:]
    for (name, path) in try members["fields"]?.members("fields") ?? [] {
      fields[name] = try path.texts("fields.\(name)")
    }
    facts = [:]
    for (name, paths) in try members.required("facts").members("facts") {
      guard let fact = Fact(rawValue: name) else {
        throw DocumentError("there is no such fact", key: "facts.\(name)", at: paths.location)
      }
      facts[fact] = try paths.texts("facts.\(name)")
    }
    marks = [:]
    for (name, selection) in try members["marks"]?.members("marks") ?? [] {
      guard let mark = Mark(rawValue: name) else {
        throw DocumentError("there is no such mark", key: "marks.\(name)", at: selection.location)
      }
      marks[mark] = try reader.selection(selection, path: "marks.\(name)")
    }
  }

  /// A log source of which only the name is known: every record is taken for one, and fields are
  /// called what the record calls them.
  package init(named selector: LogSourceSelector) {
    id = selector.text
    title = selector.text
    selectors = [selector]
    recognised = .all([])
    fields = [:]
    facts = [
      .time: ["time", "timestamp", "@timestamp", "eventTime", "ts"], .id: ["id", "eventID"],
      .actorName: ["user", "username", "actor"], .sourceIP: ["src_ip", "sourceIPAddress"],
    ]
    marks = [:]
    product = selector.text
    vendor = "unknown"
    provider = "unknown"
  }

  /// Whether a rule for some logs is for these.
  package func meets(_ selector: LogSourceSelector) -> Bool {
    selectors.contains { own in
      (selector.product == nil || selector.product == own.product)
        && (selector.service == nil || selector.service == own.service)
        && (selector.category == nil || selector.category == own.category)
    }
  }
}
