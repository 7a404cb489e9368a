import JSON
import Model
import Operations
import Store

/// Conversations between one's own and external addresses.
enum ConversationRoutes {
  static let handlers: [String: APIHandler] = [
    "listConversations": list, "countConversations": count,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let asked = call.text("sort")
    let order = ConversationOrder(rawValue: String(asked.drop { $0 == "-" })) ?? .bytes
    let isAscending = !asked.isEmpty && !asked.hasPrefix("-")
    let start = Int(clamping: try call.cursorNumber() ?? 0)
    let limit = call.limit
    let (found, total) = try await call.read { transaction in
      let filter = try filter(call, transaction)
      let found = try transaction.conversations(
        filter,
        by: order,
        isAscending: isAscending,
        from: start,
        limit: limit
      )
      return (found, try transaction.conversationCount(filter))
    }
    let items = found.map { $0.conversation.json($0.address) }
    let (end, isOver) = start.addingReportingOverflow(items.count)
    let hasMore = !isOver && !items.isEmpty && end < total
    return call.page(items, next: hasMore ? .integer(Int64(end)) : nil, total: total)
  }

  private static func count(_ call: APICall) async throws -> APIReply {
    let found = try await call.read { transaction in
      try transaction.conversationDays(filter(call, transaction))
    }
    return try call.page(found.map(\.json), sorts: ["day"])
  }

  private static func filter(
    _ call: APICall,
    _ transaction: StoreTransaction
  ) throws -> ConversationFilter {
    var filter = ConversationFilter()
    filter.isOutbound = call["direction"]?.string.map { $0 == "outbound" }
    filter.account = call["account"]?.string
    filter.own = try call.address("own")
    filter.external = try call.address("external")
    filter.address = try call.address("address")
    filter.port = call["port"]?.whole
    filter.transport = call["protocol"]?.string
    filter.isListed = call["listed"]?.bool
    filter.category = call["category"]?.string
    filter.from = call["from"]?.string.flatMap { Instant($0) }
    filter.to = call["to"]?.string.flatMap { Instant($0) }
    let sight = try FindingSight(transaction, sight: call.sight, at: call.now)
    filter.accounts = try sight.accounts { try transaction.conversationAccounts() }
    return filter
  }
}
