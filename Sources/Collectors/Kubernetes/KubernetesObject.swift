import JSON
import Model

/// Turns Kubernetes objects into resources.
enum KubernetesObject {
  /// The kinds that rules look up beside the object at hand.
  static let namespacedKinds: [ResourceKind] = [
    ResourceKind(service: "networking", kind: "NetworkPolicy")
  ]

  /// Configuration files of the control plane that rules look up.
  static let configurationKinds: [ResourceKind] = [
    ResourceKind(service: "kube-apiserver", kind: "AuthenticationConfiguration"),
    ResourceKind(service: "kube-apiserver", kind: "AuthorizationConfiguration"),
    ResourceKind(service: "kube-apiserver", kind: "EncryptionConfiguration"),
  ]

  /// Where the pod template of a workload stands.
  private static let templates: [String: [String]] = [
    "Deployment": ["spec", "template"], "StatefulSet": ["spec", "template"],
    "DaemonSet": ["spec", "template"], "ReplicaSet": ["spec", "template"],
    "ReplicationController": ["spec", "template"], "Job": ["spec", "template"],
    "CronJob": ["spec", "jobTemplate", "spec", "template"], "PodTemplate": ["template"],
  ]

  /// The groups of Kubernetes' own workloads; an object of another group only shares the kind's name.
  private static let workloadGroups: Set<String> = ["", "apps", "batch", "extensions"]

  private static let services = [
    "": "core", "rbac.authorization.k8s.io": "rbac", "networking.k8s.io": "networking",
    "kubelet.config.k8s.io": "kubelet", "apiserver.config.k8s.io": "kube-apiserver",
  ]

  private static let components = [
    "kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler",
  ]

  /// Flags that take a value only behind `=`; a word behind them is another argument.
  private static let booleanFlags: Set<String> = [
    "allow-privileged", "anonymous-auth", "auto-tls", "client-cert-auth", "contention-profiling",
    "enable-aggregator-routing", "enable-bootstrap-token-auth", "enable-pprof",
    "experimental-initial-corrupt-check", "leader-elect", "peer-auto-tls", "peer-client-cert-auth",
    "profiling", "service-account-extend-token-expiration", "service-account-lookup",
    "use-service-account-credentials",
  ]

  private static let clusterScoped: Set<String> = [
    "Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass",
    "PriorityClass", "CustomResourceDefinition", "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration", "IngressClass", "RuntimeClass", "APIService",
    "CertificateSigningRequest", "KubeletConfiguration", "EncryptionConfiguration",
    "AuthenticationConfiguration", "AuthorizationConfiguration", "PodSecurityPolicy",
  ]

  /// Where in an object of a kind the pod stands that its resource describes, as a JSON pointer.
  static func podPointer(_ kind: String) -> String? {
    if kind == "Pod" { return "" }
    return templates[kind].map { "/" + $0.joined(separator: "/") }
  }

  /// What a document holds: one object or the items of a list.
  static func items(of node: DocumentNode, account: String) -> [Collected] {
    guard case .mapping(let members) = node.value else {
      return [.diagnostic(Diagnostic("not a Kubernetes object", at: node.location))]
    }
    let kind = members.first { $0.key == "kind" }?.value.json.string
    let version = members.first { $0.key == "apiVersion" }?.value.json.string
    guard let kind, let version else {
      return [
        .diagnostic(
          Diagnostic("not a Kubernetes object: it has no apiVersion and kind", at: node.location)
        )
      ]
    }
    if kind.hasSuffix("List"), let items = members.first(where: { $0.key == "items" }) {
      guard case .sequence(let nodes) = items.value.value else {
        return [.diagnostic(Diagnostic("items: expected a list", at: items.value.location))]
      }
      return nodes.flatMap { item in
        // The items of a PodList and the like leave out what the list's kind says.
        let own = item.named(kind: kind == "List" ? nil : String(kind.dropLast(4)), version)
        return self.items(of: own, account: account)
      }
    }
    let group = version.contains("/") ? String(version.prefix { $0 != "/" }) : ""
    if workloadGroups.contains(group), let path = templates[kind],
      path.reduce(Optional(node.json), { $0?[$1] })?["spec"]?.object == nil
    {
      let place = (path + ["spec"]).joined(separator: ".")
      return [.diagnostic(Diagnostic("a \(kind) without \(place)", at: node.location))]
    }
    return resources(node.json, kind, version, at: node.location, account: account)
      .map(Collected.resource)
  }

  private static func resources(
    _ object: JSONValue,
    _ kind: String,
    _ version: String,
    at location: SourceLocation,
    account: String
  ) -> [Resource] {
    let group = version.contains("/") ? String(version.prefix { $0 != "/" }) : ""
    let isNamespaced = !clusterScoped.contains(kind)
    let object = isNamespaced ? object.namespaced : object
    let pod = workloadGroups.contains(group) ? self.pod(in: object, kind) : nil
    func resource(_ kind: ResourceKind, _ configuration: JSONValue, _ workload: String? = nil)
      -> Resource
    {
      let metadata = object["metadata"]
      let name = metadata?["name"]?.string ?? metadata?["generateName"]?.string ?? ""
      var attributes: [(key: String, value: JSONValue)] = []
      let namespace = isNamespaced ? metadata?["namespace"]?.string : nil
      if let namespace { attributes.append(("namespace", .string(namespace))) }
      // What groups resources within a cluster, a namespace itself among them.
      if let group = namespace ?? (kind.kind == "Namespace" ? name : nil) {
        attributes.append(("resource_group", .string(group)))
      }
      if let workload { attributes.append(("workload", .string(workload))) }
      let labels = metadata?["labels"]?.object?.members ?? []
      var source: JSONObject = ["file": .string(location.file)]
      source["line"] = location.line.map { .integer(Int64($0)) }
      return Resource(
        provider: "kubernetes",
        account: account,
        kind: kind,
        id: [namespace, workload ?? kind.kind, name.isEmpty ? location.description : name]
          .compactMap { $0 }.joined(separator: "/"),
        name: name,
        tags: labels.compactMap { key, value in value.string.map { (key, $0) } },
        attributes: attributes,
        configuration: configuration,
        source: .object(source)
      )
    }
    if kind == "KubeletConfiguration", group == "kubelet.config.k8s.io" {
      return [resource(ResourceKind(service: "kubelet", kind: "configuration"), object)]
    }
    guard let pod else {
      return [resource(ResourceKind(service: services[group] ?? group, kind: kind), object)]
    }
    var found = [
      resource(ResourceKind(service: "core", kind: "Pod"), pod, kind == "Pod" ? nil : kind)
    ]
    if kind == "Pod", let (component, flags) = component(in: pod) {
      found.append(
        resource(ResourceKind(service: component, kind: "component"), ["flags": .object(flags)])
      )
    }
    return found
  }

  /// The pod that a workload runs, as an object of its own.
  private static func pod(in object: JSONValue, _ kind: String) -> JSONValue? {
    if kind == "Pod" { return object }
    guard let path = templates[kind] else { return nil }
    let template = path.reduce(Optional(object)) { $0?[$1] }
    var metadata = template?["metadata"]?.object ?? JSONObject()
    metadata["namespace"] = object["metadata"]?["namespace"]
    return [
      "apiVersion": "v1", "kind": "Pod", "metadata": .object(metadata),
      "spec": template?["spec"] ?? .object(JSONObject()),
    ]
  }

  /// The control plane program that a static pod runs, and its flags.
  private static func component(in pod: JSONValue) -> (name: String, flags: JSONObject)? {
    for container in pod["spec"]?["containers"]?.array ?? [] {
      let words = ["command", "args"].flatMap { container[$0]?.array?.compactMap(\.string) ?? [] }
      guard let program = words.first?.split(separator: "/").last.map(String.init),
        components.contains(program)
      else { continue }
      return (program, flags(Array(words.dropFirst())))
    }
    return nil
  }

  /// Flags as `name: value`; one without a value is "true".
  private static func flags(_ words: [String]) -> JSONObject {
    var flags = JSONObject()
    var index = 0
    while index < words.count {
      let word = words[index]
      index += 1
      guard word.hasPrefix("-") else { continue }
      let name = word.drop { $0 == "-" }
      if let equals = name.firstIndex(of: "=") {
        flags[String(name[..<equals])] = .string(String(name[name.index(after: equals)...]))
      } else if !booleanFlags.contains(String(name)), index < words.count,
        !words[index].hasPrefix("-")
      {
        flags[String(name)] = .string(words[index])
        index += 1
      } else {
        flags[String(name)] = "true"
      }
    }
    return flags
  }
}

extension JSONValue {
  /// A namespaced object that names no namespace goes to `default`.
  fileprivate var namespaced: JSONValue {
    guard var object, var metadata = object["metadata"]?.object, metadata["namespace"] == nil else {
      return self
    }
    metadata["namespace"] = "default"
    object["metadata"] = .object(metadata)
    return .object(object)
  }
}

extension DocumentNode {
  /// An item of a typed list with kind and version filled in.
  fileprivate func named(kind: String?, _ version: String) -> DocumentNode {
    guard let kind, case .mapping(var members) = value,
      !members.contains(where: { $0.key == "kind" })
    else { return self }
    members.append(("kind", DocumentNode(.scalar(.string(kind)), at: location)))
    if !members.contains(where: { $0.key == "apiVersion" }) {
      members.append(("apiVersion", DocumentNode(.scalar(.string(version)), at: location)))
    }
    return DocumentNode(.mapping(members), at: location)
  }
}
