import JSON
import Model

/// A source of resources that mappings turn into the provider's API representation, such as a plan.
protocol MappingSource {
  associatedtype Instance: MappingInstance

  /// What the source is called where reasons speak of it: plan, template.
  var noun: String { get }

  /// The resources, in the order of the source.
  var instances: [Instance] { get }

  /// The arguments that are written for an instance; nil where the source does not tell.
  func writtenArguments(of instance: Instance) -> Set<String>?

  /// The region of an instance; empty where the source does not tell.
  func region(of instance: Instance) -> String

  /// Where the facts of an instance come from.
  func origin(of instance: Instance) -> JSONValue

  /// Why parts of an instance may be missing; nil where all are at hand.
  func gap(of instance: Instance) -> String?

  /// The instances of a type that a part refers to, one entry per reference.
  ///
  /// nil when the reference is written and cannot be followed.
  func candidates(
    ofType type: String,
    for part: Instance,
    _ mapping: ResourceMapping.Part
  ) -> [Candidates]?
}

extension MappingSource {
  /// Most sources are read whole or not at all.
  func gap(of instance: Instance) -> String? { nil }
}

/// One resource of a source.
protocol MappingInstance {
  /// What the source calls the resource; its id.
  var address: String { get }
  var type: String { get }
  var name: String { get }
  var value: SourceValue { get }
  /// Whether the source creates it.
  var isCreated: Bool { get }
  /// The condition on which it exists, where it is not known whether that holds.
  var openCondition: String? { get }
}

extension MappingInstance {
  /// Most sources hold nothing that depends on conditions.
  var openCondition: String? { nil }
}

/// The instances that a part may configure, and whether it is known to configure them.
struct Candidates: Equatable {
  /// Places in the source's list of instances.
  var indices: [Int]
  var isCertain: Bool
}
