import JSON
import Model
import Reports

/// A field of a form that changes something.
struct Field {
  /// What is typed into it.
  enum Kind {
    case text, long, date, secret, file
    /// A document of many lines.
    case code
    case choice([(value: String, words: String)])
    case check
  }

  var name: String
  var label: String
  var hint: String = ""
  var kind: Kind = .text
  /// What stands there at first.
  var value: String = ""
  var isRequired = true
}

extension Visit {
  /// The scopes to choose from; the empty name stands for everything.
  func scopeChoices(_ everything: String) async throws -> [(value: String, words: String)] {
    let scopes = try await look("listScopes", ["limit": "500"]).list("items")
    return [("", everything)] + scopes.map { ($0.text("name"), $0.text("name")) }
  }
}

// Forms: those that change something post to their page, those that choose what is listed ask for it.
extension Visit {
  /// A form of the page with fields and a button.
  func form(
    _ action: String,
    _ fields: [Field],
    button: String,
    kind: String = "main",
    more: HTML = ""
  ) -> HTML {
    let long = fields.filter { if case .long = $0.kind { true } else { false } }
    let code = fields.filter { if case .code = $0.kind { true } else { false } }
    let taken = Set((long + code).map(\.name))
    let short = fields.filter { !taken.contains($0.name) }
    let isUpload = fields.contains { if case .file = $0.kind { true } else { false } }
    return """
      <form class="stack" method="post" action="\(address.without("notice").text)"\(HTML.when(isUpload, " enctype=\"multipart/form-data\""))>
      \(hidden(action))
      \(HTML.when(!short.isEmpty, "<div class=\"twocol\">\(HTML(short.map { field($0, action) }))</div>"))
      \(HTML.when(!long.isEmpty, "<div class=\"twocol\">\(HTML(long.map { field($0, action) }))</div>"))
      \(HTML(code.map { field($0, action) }))
      <div class="row"><button class="\(kind)" type="submit">\(button)</button>\(more)</div>
      </form>
      """
  }

  /// A button of the page that changes something.
  func button(
    _ action: String,
    _ words: String,
    kind: String = "",
    _ values: KeyValuePairs<String, String> = [:]
  ) -> HTML {
    let inputs = values.map { name, value -> HTML in
      "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"
    }
    return """
      <form method="post" action="\(address.without("notice").text)">\(hidden(action))\(HTML(inputs))<button type="submit"\(HTML.when(!kind.isEmpty, " class=\"\(kind)\""))>\(words)</button></form>
      """
  }

  private func hidden(_ action: String) -> HTML {
    """
    <input type="hidden" name="csrf" value="\(antiForgery)"><input type="hidden" name="action" value="\(action)">
    """
  }

  /// A field with its label, its hint, what was typed and what is wrong with it.
  func field(_ field: Field, _ action: String) -> HTML {
    // What was typed into one form of a page is none of another's.
    let isHere = refused.map { $0.form["action"] == action } ?? false
    let fault = isHere ? fault(field.name) : nil
    let value = isHere ? typed(field.name, else: field.value) : field.value
    let id = "\(action)-\(field.name)"
    var described = fault == nil ? [] : ["\(id)-fault"]
    if !field.hint.isEmpty { described.append("\(id)-hint") }
    var rest: HTML = ""
    if !described.isEmpty {
      rest = " aria-describedby=\"\(described.joined(separator: " "))\""
    }
    if fault != nil { rest = "\(rest) aria-invalid=\"true\"" }
    if field.isRequired { rest = "\(rest) required" }
    let now: HTML = field.isSilent ? "" : " value=\"\(value)\""
    let control: HTML =
      switch field.kind {
      case .text, .date, .secret, .file:
        "<input id=\"\(id)\" name=\"\(field.name)\" type=\"\(field.type)\"\(now)\(rest)\(HTML.when(field.isSecret, " autocomplete=\"off\""))>"
      case .long:
        "<textarea id=\"\(id)\" name=\"\(field.name)\" maxlength=\"5000\"\(rest)>\(value)</textarea>"
      case .code:
        "<textarea id=\"\(id)\" name=\"\(field.name)\" class=\"document\" rows=\"\(field.rows)\" spellcheck=\"false\" maxlength=\"200000\"\(rest)>\n\(value)</textarea>"
      case .choice(let choices):
        "<select id=\"\(id)\" name=\"\(field.name)\"\(rest)>\(HTML.options(choices, value))</select>"
      case .check:
        "<input id=\"\(id)\" name=\"\(field.name)\" type=\"checkbox\" value=\"true\"\(HTML.when(value == "true", " checked"))\(rest)>"
      }
    let wrong: HTML = fault.map { "<p class=\"fault\" id=\"\(id)-fault\">\($0)</p>" } ?? ""
    let hint: HTML =
      field.hint.isEmpty ? "" : "<p class=\"hint\" id=\"\(id)-hint\">\(field.hint)</p>"
    if case .check = field.kind {
      return """
        <div class="field"><label class="check" for="\(id)">\(control) \(field.label)</label>\(wrong)\(hint)</div>
        """
    }
    return """
      <div class="field"><label for="\(id)">\(field.label)</label>\(control)\(wrong)\(hint)</div>
      """
  }

  // MARK: - Choosing what is listed

  /// The form by which a page's list is chosen, open where something is chosen.
  func filter(_ path: String, hidden: [String] = [], _ fields: [HTML]) -> HTML {
    let kept = (hidden + ["as_of"]).flatMap { name -> [HTML] in
      values(name).map { "<input type=\"hidden\" name=\"\(name)\" value=\"\($0)\">" }
    }
    return """
      <form class="card filters" method="get" action="\(path)">\(HTML(kept))
      \(HTML(fields))
      <div class="row"><button type="submit" class="main">Show</button><a class="button" href="\(clear(path, hidden).text)">Clear</a></div>
      </form>
      """
  }

  private func clear(_ path: String, _ hidden: [String]) -> Address {
    hidden.reduce(to(path)) { $0.with($1, all: values($1)) }
  }

  /// A field of such a form.
  func filterField(_ name: String, _ label: String, _ example: String = "") -> HTML {
    """
    <div class="field"><label for="filter-\(name)">\(label)</label><input id="filter-\(name)" name="\(name)" type="text" value="\(value(name) ?? "")"\(HTML.when(!example.isEmpty, " placeholder=\"\(example)\"")) maxlength="2000"></div>
    """
  }

  /// A field of such a form with what there is to choose from.
  func filterChoice(_ name: String, _ label: String, _ choices: [(value: String, words: String)])
    -> HTML
  {
    """
    <div class="field"><label for="filter-\(name)">\(label)</label><select id="filter-\(name)" name="\(name)">\(HTML.options(choices, value(name) ?? ""))</select></div>
    """
  }
}

extension HTML {
  /// The options of a select.
  static func options(_ choices: [(value: String, words: String)], _ chosen: String) -> HTML {
    HTML(
      choices.map { value, words in
        "<option value=\"\(value)\"\(HTML.when(value == chosen, " selected"))>\(words)</option>"
      }
    )
  }

  /// Facts as names and values.
  static func facts(_ title: String, _ facts: [(String, HTML)]) -> HTML {
    let list = facts.map { name, value -> HTML in "<dt>\(name)</dt><dd>\(value)</dd>" }
    return
      "<section class=\"card\" aria-label=\"\(title)\"><dl class=\"facts\">\(HTML(list))</dl></section>"
  }

  /// A state as a tag.
  static func tag(_ text: String, _ kind: String = "") -> HTML {
    "<span class=\"\(kind.isEmpty ? "tag" : "tag \(kind)")\">\(text)</span>"
  }
}

extension Field {
  fileprivate var type: String {
    switch kind {
    case .date: "date"
    case .secret: "password"
    case .file: "file"
    default: "text"
    }
  }

  /// How many lines of a document are seen at once.
  fileprivate var rows: Int { min(30, max(6, value.split(separator: "\n").count + 3)) }

  fileprivate var isSecret: Bool { if case .secret = kind { true } else { false } }

  /// Whether what was typed is not sent back.
  fileprivate var isSilent: Bool {
    switch kind {
    case .secret, .file: true
    default: false
    }
  }
}
