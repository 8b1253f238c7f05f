import Addresses

@testable import MonitorTree

/// The obvious model: for each guest page, which regions claim it with which actions.
struct PageModel {
  var claims: [[RegionID: AlertActions]]

  init(pages: UInt64) { claims = Array(repeating: [:], count: Int(pages)) }

  static func indices(_ range: PageRange) -> ClosedRange<Int> {
    Int(range.first.rawValue)...Int(range.last.rawValue)
  }

  func isTree(_ range: PageRange) -> Bool { Self.indices(range).contains { claims[$0][.tree] != nil } }
  func isClaimed(_ range: PageRange) -> Bool { Self.indices(range).contains { !claims[$0].isEmpty } }

  mutating func insert(_ range: PageRange, _ actions: AlertActions, _ region: RegionID) {
    for index in Self.indices(range) { claims[index][region, default: []].formUnion(actions) }
  }

  mutating func remove(_ range: PageRange, _ region: RegionID?) {
    for index in Self.indices(range) where claims[index][.tree] == nil {
      if let region { claims[index][region] = nil } else { claims[index] = [:] }
    }
  }

  mutating func setActions(_ range: PageRange, _ actions: AlertActions, _ region: RegionID?) {
    for index in Self.indices(range) where claims[index][.tree] == nil {
      for owner in claims[index].keys where region == nil || owner == region { claims[index][owner] = actions }
    }
  }

  /// How many pages another model says otherwise about.
  func differences(from other: PageModel) -> Int { zip(claims, other.claims).count { $0 != $1 } }

  /// What is wrong with an answer about a page, if anything.
  func objection(to answer: Answer, about page: UInt64) -> String? {
    let owners = claims[Int(page)]
    switch answer {
    case .notMine: return owners.isEmpty ? nil : "page \(page) is claimed by \(owners), the tree says not mine"
    case .treePage(let found):
      return owners[.tree] != nil && found.page.rawValue == page ? nil : "page \(page) is not the tree's"
    case .corrupt(let node): return "page \(page): node \(node.rawValue) is called corrupt"
    case .protected(let segment):
      let actions = owners.values.reduce(AlertActions()) { $0.union($1) }
      guard !owners.isEmpty, owners[.tree] == nil, segment.actions == actions, segment.owners == owners.count,
        segment.region == owners.keys.min(), segment.range.contains(GuestPageNumber(page)),
        Self.indices(segment.range).allSatisfy({ claims[$0] == owners })
      else { return "page \(page) is claimed by \(owners), the tree says \(segment)" }
      return nil
    }
  }
}
