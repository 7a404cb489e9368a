import Foundation

/// Who holds a lease: a process of a machine.
package enum LeaseOwner {
  /// This process: machine, process and when it started, so that a number used again is told apart.
  package static let current: String = {
    let pid = ProcessInfo.processInfo.processIdentifier
    return "\(machine) \(pid) \(startTime(of: pid) ?? "-")"
  }()

  /// The machine and which processes it counts: containers of one name count theirs apart.
  package static let machine: String = {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    let processes = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
    let number = processes?.filter { $0.isNumber } ?? ""
    return "\(ProcessInfo.processInfo.hostName)/\(boot?.prefix(8) ?? "")-\(number)"
  }()

  /// Whether an owner is a process of this machine that has ended.
  package static func isDead(_ owner: String) -> Bool {
    let parts = owner.split(separator: " ").map(String.init)
    guard parts.count == 3, parts[0] == machine, let pid = Int32(parts[1]) else { return false }
    return startTime(of: pid) != parts[2]
  }

  /// When a process started that has not ended, in clock ticks since boot: field 22 of proc(5)'s
  /// `stat`.
  private static func startTime(of pid: Int32) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let name = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: name)...].split(separator: " ")
    // One that ended stays as a zombie until somebody asks what became of it.
    return fields.count > 19 && fields[0] != "Z" ? String(fields[19]) : nil
  }
}
