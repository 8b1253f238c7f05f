import Addresses

@testable import MonitorTree

/// The obvious model: for each guest page, which regions claim it with which actions.
struct PageModel: Equatable, Sendable {
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

  /// How many pages regions claim, without the tree's own.
  var monitored: Int { claims.count { !$0.isEmpty && $0[.tree] == nil } }

  /// What is wrong with an answer about a page, if anything; `corrupt` counts as wrong.
  func objection(to answer: Answer, about page: UInt64) -> String? {
    let owners = claims[Int(page)]
    switch answer {
    case .notMine: return owners.isEmpty ? nil : "page \(page) is claimed by \(owners), the tree says not mine"
    case .treePage(let found):
      return owners[.tree] != nil && found.page.rawValue == page ? nil : "page \(page) is not the tree's"
    case .corrupt(let node): return "page \(page): node \(node.rawValue) is called corrupt"
    case .protected(let segment):
      guard !owners.isEmpty, owners[.tree] == nil, segment.actions == union(owners), segment.owners == owners.count,
        segment.region == owners.keys.min(), segment.range.contains(GuestPageNumber(page)),
        Self.indices(segment.range).allSatisfy({ claims[$0] == owners })
      else { return "page \(page) is claimed by \(owners), the tree says \(segment)" }
      return nil
    }
  }

  /// What is wrong with an answer about a run of pages, if anything.
  func objection(to finding: Finding, about range: PageRange) -> String? {
    let covered = Self.indices(range)
    switch finding.answer {
    case .notMine: return isClaimed(range) ? "\(range) has claims, the tree says not mine" : nil
    case .treePage(let found):
      let first = covered.first { claims[$0][.tree] != nil }
      return first == Int(found.page.rawValue) ? nil : "\(range): the tree's first page is \(first ?? -1)"
    case .corrupt(let node): return "\(range): node \(node.rawValue) is called corrupt"
    case .protected(let segment):
      let first = covered.first { !claims[$0].isEmpty } ?? -1
      let actions = covered.reduce(into: AlertActions()) { $0.formUnion(union(claims[$1])) }
      guard !isTree(range), segment.actions == actions, segment.range.contains(GuestPageNumber(UInt64(first))),
        segment.region == claims[first].keys.min()
      else { return "\(range) begins to be claimed at \(first) with \(actions), the tree says \(segment)" }
      return nil
    }
  }

  private func union(_ owners: [RegionID: AlertActions]) -> AlertActions {
    owners.values.reduce(AlertActions()) { $0.union($1) }
  }
}

extension TestGuest {
  /// The first page the tree and the model disagree about; corrupt answers pass if `corruptPasses`.
  func disagreement(with model: PageModel, corruptPasses: Bool = false) -> String? {
    let tree = tree
    for number in 0..<UInt64(model.claims.count) {
      let answer = tree.find(page(number)).answer
      if corruptPasses, case .corrupt = answer { continue }
      if let objection = model.objection(to: answer, about: number) { return objection }
    }
    return nil
  }
}
