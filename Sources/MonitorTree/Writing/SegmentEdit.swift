import Addresses

/// What a change does to the claims on a run of pages.
enum SegmentEdit {
  /// Adds a claim; a region that claims the pages already adds its actions.
  case insert(Claim)
  /// Adds donated pages to the tree's own.
  case donate(Claim)
  /// Removes one region's claims, or every region's.
  case remove(RegionID?)
  /// Replaces the actions of one region's claims, or of every region's.
  case setActions(AlertActions, RegionID?)
}

/// Applies an edit to the segments of a run of leaves.
struct SegmentEditor {
  var builder = SegmentBuilder()
  /// How many pages have other claims than before.
  private(set) var pagesChanged: UInt64 = 0
  private var scratch: [Claim] = []
  let ownerLimit: Int

  init(ownerLimit: Int) { self.ownerLimit = ownerLimit }

  /// The entries after the edit of some pages; `entries` are those of whole leaves and start at page `low`.
  mutating func apply(
    _ edit: SegmentEdit, to pages: Range<UInt32>, of entries: [Entry], from low: UInt32
  ) throws(TreeError) -> [Entry] {
    let (start, end) = (pages.lowerBound, pages.upperBound)
    builder.begin()
    pagesChanged = 0
    var uncovered = start
    // What ends before the pages, or starts after them, and does not adjoin them stays as it is.
    var index = entries.firstIndex { $0.key + $0.claim.pages >= start } ?? entries.count
    builder.copy(entries[..<index])
    while index < entries.count {
      let key = entries[index].key
      guard key <= end else { break }
      var after = index + 1
      while after < entries.count, entries[after].key == key { after += 1 }
      let claims = entries[index..<after].lazy.map(\.claim)
      let segmentEnd = key + entries[index].claim.pages
      index = after
      guard segmentEnd > key else { continue }
      guard segmentEnd > start, key < end else {
        if key >= end { fill(edit, &uncovered, end) }
        builder.add(key, segmentEnd, claims: claims)
        continue
      }
      builder.add(key, max(key, start), claims: claims)
      fill(edit, &uncovered, max(key, start))
      let middle = max(key, start)
      let middleEnd = min(segmentEnd, end)
      if try change(Array(claims), by: edit, from: middle, to: middleEnd) { pagesChanged += UInt64(middleEnd - middle) }
      builder.add(middle, middleEnd, claims: scratch)
      uncovered = middleEnd
      builder.add(middleEnd, segmentEnd, claims: claims)
    }
    fill(edit, &uncovered, end)
    builder.copy(entries[index...])
    return builder.finished(from: low)
  }

  /// Makes segments that say the same one, and drops empty statements: after leaves were put together.
  mutating func normalise(_ entries: [Entry], from low: UInt32) -> [Entry] {
    builder.begin()
    var index = 0
    while index < entries.count {
      let key = entries[index].key
      var after = index + 1
      while after < entries.count, entries[after].key == key { after += 1 }
      builder.add(key, key + entries[index].claim.pages, claims: entries[index..<after].lazy.map(\.claim))
      index = after
    }
    return builder.finished(from: low)
  }

  /// Claims the pages up to `end` that no segment covers.
  private mutating func fill(_ edit: SegmentEdit, _ uncovered: inout UInt32, _ end: UInt32) {
    guard uncovered < end else { return }
    switch edit {
    case .insert(let claim), .donate(let claim):
      builder.add(uncovered, end, claims: CollectionOfOne(claim))
      pagesChanged += UInt64(end - uncovered)
    case .remove, .setActions: break
    }
    uncovered = end
  }

  /// Puts the claims after the edit into `scratch`, sorted by region; true if they differ.
  private mutating func change(
    _ claims: [Claim], by edit: SegmentEdit, from start: UInt32, to end: UInt32
  ) throws(TreeError) -> Bool {
    scratch.removeAll(keepingCapacity: true)
    let pages = PageRange(first: GuestPageNumber(UInt64(start)), count: UInt64(end - start))
    let isTree = claims.contains { $0.region == .tree }
    switch edit {
    case .insert(let new):
      if isTree, let pages { throw .overlapsTree(pages) }
      let actions = claims.first { $0.region == new.region }?.actions ?? []
      let united = Claim(pages: 0, region: new.region, actions: actions.union(new.actions))
      scratch.append(contentsOf: claims.filter { $0.region < new.region })
      scratch.append(united)
      scratch.append(contentsOf: claims.filter { $0.region > new.region })
      guard scratch.count <= ownerLimit else { throw .tooManyOwners(GuestPageNumber(UInt64(start))) }
    case .donate:
      if let pages { throw isTree ? .overlapsTree(pages) : .overlapsProtected(pages) }
    case .remove(let region):
      scratch.append(contentsOf: claims.filter { isTree || (region != nil && $0.region != region) })
    case .setActions(let actions, let region):
      scratch.append(
        contentsOf: claims.map {
          !isTree && (region == nil || $0.region == region)
            ? Claim(pages: 0, region: $0.region, actions: actions) : $0
        })
    }
    return scratch.count != claims.count || !zip(scratch, claims).allSatisfy { $0.terms == $1.terms }
  }
}
