import JSON
import Model

extension TerraformPlan {
  /// A resource block that an expression refers to, and the instance key if it names one.
  private struct Reference {
    var modulePath: [String]
    /// The keys of those modules, where they are known.
    var moduleKeys: [JSONValue?]
    var type: String
    var name: String
    var index: JSONValue?
  }

  /// The instances of a type that an argument of another instance refers to.
  ///
  /// One group per reference: several instances in a group when the plan does not tell which one is
  /// meant; nil when the argument is written and its references cannot be followed.
  func instances(
    ofType type: String,
    referredToBy part: Instance,
    argument: PropertyPath
  ) -> [[Int]]? {
    guard case .key(let name) = argument.components.first,
      let block = configuration(of: part)
    else { return nil }
    guard let expression = block["expressions"]?[name] else { return [] }
    let forEach = block["for_each_expression"]?["references"]
    let references = references(
      expression["references"],
      in: part.modulePath,
      keys: TerraformAddress(part.module).moduleKeys,
      forEach: forEach,
      depth: 0
    )
    if references.isEmpty { return nil }
    return references.filter { $0.type == type }.map { reference in
      var found = instances.indices.filter { index in
        let instance = instances[index]
        return instance.type == type && instance.name == reference.name
          && instance.modulePath == reference.modulePath
      }
      narrow(&found) { isRelated(instances[$0].module, part.module) }
      narrow(&found) { index in
        zip(TerraformAddress(instances[index].module).moduleKeys, reference.moduleKeys)
          .allSatisfy { $1 == nil || $0 == $1 }
      }
      if let index = reference.index {
        return found.filter {
          // One of which the number is not known stands for each of its instances.
          instances[$0].index == index
            || instances[$0].index == nil && instances[$0].openCondition != nil
        }
      }
      narrow(&found) { part.index != nil && instances[$0].index == part.index }
      return found
    }.filter { !$0.isEmpty }
  }

  /// Notes why parts of the resources that a list refers to may be missing.
  mutating func touch(_ list: JSONValue, in path: [String], reason: String) {
    for found in references(list, in: path, keys: path.map { _ in nil }, forEach: nil, depth: 0) {
      gaps[Self.key(found.modulePath, found.type, found.name)] = reason
    }
  }

  /// Why parts of an instance may be missing; nil where all are at hand.
  func gap(of instance: Instance) -> String? {
    gap ?? gaps[Self.key(instance.modulePath, instance.type, instance.name)]
  }

  /// Keeps the instances that meet a test, or all where none does.
  private func narrow(_ found: inout [Int], _ test: (Int) -> Bool) {
    let kept = found.filter(test)
    if !kept.isEmpty { found = kept }
  }

  /// Whether one module stands within the other, instance keys included.
  private func isRelated(_ one: String, _ other: String) -> Bool {
    one == other || one.isEmpty || other.isEmpty || one.hasPrefix(other + ".")
      || other.hasPrefix(one + ".")
  }

  /// Follows references through variables, module outputs and `for_each` to resource blocks.
  private func references(
    _ list: JSONValue?,
    in path: [String],
    keys: [JSONValue?],
    forEach: JSONValue?,
    depth: Int
  ) -> [Reference] {
    guard depth < 16 else { return [] }
    var result: [Reference] = []
    var previous = ""
    for text in list?.array?.compactMap(\.string) ?? [] {
      // A reference is followed by its own beginnings: a.b["k"].id, a.b["k"], a.b.
      defer { previous = text }
      if previous.hasPrefix(text + ".") || previous.hasPrefix(text + "[") { continue }
      let steps = TerraformAddress(text).steps
      guard steps.count >= 2 else { continue }
      switch steps[0].name {
      case "data", "local", "path", "count", "self", "terraform": continue
      case "each":
        result += references(forEach, in: path, keys: keys, forEach: nil, depth: depth + 1)
      case "var":
        guard let call = path.last else { continue }
        let parent = Array(path.dropLast())
        let arguments = module(parent)?["module_calls"]?[call]?["expressions"]
        result += references(
          arguments?[steps[1].name]?["references"],
          in: parent,
          keys: Array(keys.dropLast()),
          forEach: nil,
          depth: depth + 1
        )
      case "module":
        guard steps.count >= 3 else { continue }
        let child = path + [steps[1].name]
        let output = module(child)?["outputs"]?[steps[2].name]?["expression"]
        result += references(
          output?["references"],
          in: child,
          keys: keys + [steps[1].key],
          forEach: nil,
          depth: depth + 1
        )
      default:
        result.append(
          Reference(
            modulePath: path,
            moduleKeys: keys,
            type: steps[0].name,
            name: steps[1].name,
            index: steps[1].key
          )
        )
      }
    }
    return result
  }
}
