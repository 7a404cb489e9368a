package import JSON
package import Model

/// Writes a profile as OSCAL: a catalog of its controls with the goals that judge them, and an
/// OSCAL profile that selects them and sets their parameters.
package struct OSCALWriter {
  private let profile: Profile
  private let controls: [Entry]

  /// A control with its token, and what its goals leave open as OSCAL's parameters.
  private struct Entry {
    var control: Profile.Control
    var token: String
    /// In the order of the goals, each goal's sorted by name.
    var parameters: [Setting] = []
  }

  private struct Setting {
    var id: String
    var goal: Int
    var name: String
    var type: String
    var texts: [String]

    var values: [JSONValue] { texts.map { .string($0) } }
  }

  /// A writer of a profile.
  package init(_ profile: Profile) {
    self.profile = profile
    let tokens = OSCAL.tokens(for: profile.controls.map(\.id))
    controls = zip(profile.controls, tokens).map { control, token in
      var entry = Entry(control: control, token: token)
      for (goal, value) in control.goals.enumerated() {
        for (name, value) in value.parameters.sorted(by: { $0.key < $1.key }) {
          let (type, texts) = OSCALValue.encode(value)
          let id = "\(token)_prm_\(entry.parameters.count + 1)"
          entry.parameters.append(
            Setting(id: id, goal: goal, name: name, type: type, texts: texts)
          )
        }
      }
      return entry
    }
  }

  /// The catalog.
  package var catalog: JSONValue {
    OSCAL.document(
      "catalog",
      ["metadata": OSCAL.metadata(profile), "controls": .array(controls.map(control))]
    )
  }

  /// The OSCAL profile, which imports the catalog from an address.
  package func profile(importing href: String) -> JSONValue {
    let catalogID = catalog["catalog"]?["uuid"] ?? .null
    let resource = NameUUID.of(["catalog": catalogID, "href": .string(href)])
    let settings = controls.flatMap(\.parameters)
    var content: JSONObject = [
      "metadata": OSCAL.metadata(profile),
      "imports": [
        [
          "href": .string("#\(resource)"),
          "include-controls": [["with-ids": .array(controls.map { .string($0.token) })]],
        ]
      ],
      "merge": ["as-is": true],
    ]
    if !settings.isEmpty {
      content["modify"] = [
        "set-parameters": .array(
          settings.map { ["param-id": .string($0.id), "values": .array($0.values)] }
        )
      ]
    }
    content["back-matter"] = [
      "resources": [
        [
          "uuid": .string(resource), "title": .string("Catalog: \(profile.title)"),
          "rlinks": [["href": .string(href), "media-type": "application/json"]],
        ]
      ]
    ]
    return OSCAL.document("profile", content)
  }

  private func control(_ entry: Entry) -> JSONValue {
    let control = entry.control
    var object: JSONObject = ["id": .string(entry.token), "title": .string(control.title)]
    if !entry.parameters.isEmpty {
      object["params"] = .array(
        entry.parameters.map { setting in
          [
            "id": .string(setting.id),
            "label": .string("\(setting.name) of \(control.goals[setting.goal].rule)"),
            "props": [
              OSCAL.property("name", setting.name), OSCAL.property("type", setting.type),
            ],
            "values": .array(setting.values),
          ]
        }
      )
    }
    let label: JSONValue = ["name": "label", "value": .string(OSCAL.line(control.id))]
    let basis = profile.ownBasis(of: control).map { [OSCAL.property($0)] } ?? []
    object["props"] = .array([label] + basis)
    var parts = control.goals.enumerated().map { index, goal -> JSONValue in
      let used = entry.parameters.filter { $0.goal == index }
      return [
        "id": .string("\(entry.token)_goal.\(index + 1)"), "name": "assessment-method",
        "props": .array(
          [["name": "method", "value": "TEST"], OSCAL.property("rule", goal.rule)]
            + used.map { OSCAL.property("parameter", $0.id) }
        ),
      ]
    }
    if !control.manualReason.isEmpty {
      parts.append([
        "id": .string("\(entry.token)_person"), "name": "assessment-method",
        "props": [
          ["name": "method", "value": "EXAMINE"], OSCAL.property("judged-by", "person"),
        ],
        "prose": .string(control.manualReason),
      ])
    }
    if !parts.isEmpty { object["parts"] = .array(parts) }
    return .object(object)
  }
}
