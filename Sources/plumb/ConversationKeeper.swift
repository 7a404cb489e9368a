import Foundation
import Insights
import JSON
import Model
import Store

/// Keeps what logs tell of conversations with the outside, those of many logs in one transaction.
final class ConversationKeeper {
  private let store: DataStore
  private let actor: String
  /// Whether lists or registers say something of external addresses.
  private let hasLists: Bool
  private var waiting: [ConversationLog] = []
  private var rows = 0
  private var last = ContinuousClock.now
  private var outcome = ConversationsKept()

  init(_ store: DataStore, as actor: String, hasLists: Bool) {
    (self.store, self.actor, self.hasLists) = (store, actor, hasLists)
  }

  /// How far earlier runs counted logs.
  func marks() async throws -> [String: [LogMark]] {
    let marks = try await store.read { try $0.countedLogs() }.map {
      LogMark(log: $0.log, bytes: $0.bytes, digest: $0.digest)
    }
    return Dictionary(grouping: marks, by: \.log)
  }

  /// Takes in what a log tells.
  func take(_ logged: LoggedConversations) {
    rows += logged.rows.count
    waiting.append(
      ConversationLog(
        log: logged.mark.log,
        bytes: logged.mark.bytes,
        digest: logged.mark.digest,
        former: logged.former,
        conversations: logged.rows.map(\.kept),
        addresses: hasLists ? logged.rows.filter { $0.others == 0 }.map(\.address) : nil
      )
    )
  }

  /// Keeps what was taken in, once it has waited for a while, or is much.
  func keep(isAll: Bool) async throws {
    guard !waiting.isEmpty,
      isAll || rows > 50_000 || ContinuousClock.now - last > .seconds(2)
    else { return }
    let logs = waiting
    (waiting, rows) = ([], 0)
    outcome += try await store.write(as: actor, at: timeOfDay()) { try $0.keep(logs) }
    last = .now
  }

  /// What was kept, for people.
  var text: String {
    "kept conversations of \(counted(outcome.counted, "log")), \(outcome.known) counted before"
  }
}

extension FlowConversations.Row {
  fileprivate var kept: Conversation {
    Conversation(
      Conversation.Key(
        account: account,
        own: own,
        external: external,
        port: Int(port),
        transport: transport
      ),
      day: day,
      isOutbound: isOutbound,
      connections: flows,
      failed: failed,
      sent: sent,
      received: received,
      firstSeen: first,
      lastSeen: last,
      others: others
    )
  }

  fileprivate var address: ExternalAddress {
    let listings = facts["listings"] ?? .array([])
    let categories = Set((listings.array ?? []).compactMap { $0["category"]?.string })
    return ExternalAddress(
      address: external,
      owner: facts["owner"]?.string ?? "",
      asn: facts["asn"]?.string ?? "",
      categories: categories.sorted(),
      listings: listings
    )
  }
}
