import SeededRandom
import Foundation
import Testing

@testable import Replay

@Suite("Embedded profiles")
struct PricingProfileTests {
  @Test("are valid, named after their file, and state every cost in order of the list", arguments: ProfileLibrary.names)
  func valid(name: String) throws {
    let profile = try #require(try ProfileLibrary.profile(named: name))
    #expect(profile.name == name)
    #expect(profile.parameters.map(\.name) == CostParameter.allCases)
    #expect(profile.hypervisor.name == ProfileLibrary.defaultHypervisorName)
    #expect(try CycleProfile(json: JSONEncoder().encode(ProfileFile(profile)), origin: "copy") == profile)
  }

  @Test(
    "of hypervisors are valid, named after their file, and complete every processor",
    arguments: ProfileLibrary.hypervisorNames)
  func hypervisors(name: String) throws {
    let hypervisor = try #require(try ProfileLibrary.hypervisor(named: name))
    #expect(hypervisor.name == name && hypervisor.consumers.map(\.name) == ["poll", "wake", "vmi"])
    for processor in ProfileLibrary.names {
      let profile = try #require(try ProfileLibrary.profile(named: processor)).under(hypervisor)
      #expect(profile.parameters.map(\.name) == CostParameter.allCases && profile.name == processor)
      #expect(profile.parameters.allSatisfy { $0.on == nil })
    }
    for parameter in hypervisor.parameters where parameter.tag == .assumed {
      #expect(parameter.low < parameter.high, "\(parameter.name.rawValue) is assumed but has no range")
    }
  }

  @Test("take a hypervisor's figure for this processor before its figure for any, and the silicon's where it has none")
  func figuresByProcessor() throws {
    let skylake = try #require(try ProfileLibrary.profile(named: "skylake-sp"))
    #expect(skylake.cost(of: .vmcallRoundTrip).value == 1529)
    var other = skylake.processor
    other.name = "kaby-lake"
    let kvm = try #require(try ProfileLibrary.hypervisor(named: "kvm"))
    #expect(CycleProfile(processor: other, hypervisor: kvm).cost(of: .vmcallRoundTrip).value == 1500)
    let bare = skylake.under(try #require(try ProfileLibrary.hypervisor(named: "bare")))
    #expect(bare.cost(of: .vmcallRoundTrip).bracket == bare.cost(of: .siliconExitEntry).bracket)
    #expect(bare.cost(of: .vmcallRoundTrip).source.hasPrefix("silicon_exit_entry alone"))
    #expect(skylake.cycles(ofNanoseconds: 1000) == 2400)
  }

  @Test("are all listed")
  func listed() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Replay/Profiles")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
    #expect(Set(files) == Set((ProfileLibrary.names + ProfileLibrary.hypervisorNames).map { $0 + ".json" }))
    #expect(ProfileLibrary.names.contains(ProfileLibrary.defaultName))
    #expect(try ProfileLibrary.profile(named: "none") == nil && ProfileLibrary.hypervisor(named: "none") == nil)
  }

  @Test(
    "give every assumed cost a range, and no part of a round trip more than the whole", arguments: ProfileLibrary.names)
  func assumed(name: String) throws {
    let profile = try #require(try ProfileLibrary.profile(named: name))
    for parameter in profile.parameters where parameter.tag == .assumed {
      #expect(parameter.low < parameter.high, "\(parameter.name.rawValue) is assumed but has no range")
    }
    let silicon = profile.cost(of: .siliconExitEntry)
    let roundTrip = profile.cost(of: .vmcallRoundTrip)
    #expect(silicon.value <= roundTrip.value, "a part cannot exceed the whole")
  }

  @Test("state the published figures they rest on")
  func published() throws {
    let skylake = try #require(try ProfileLibrary.profile(named: "skylake-sp"))
    #expect(skylake.cost(of: .vmcallRoundTrip).value == 1529)
    #expect(skylake.geometry.stlb == CacheGeometry.SetAssociative(entries: 1536, ways: 12))
    let sapphire = try #require(try ProfileLibrary.profile(named: "sapphire-rapids"))
    #expect(sapphire.cost(of: .vmfuncSwitch).value == 199)
    #expect(sapphire.geometry.l1StoreTLB == CacheGeometry.SetAssociative(entries: 16, ways: 16))
  }
}

@Suite("A profile file")
struct PricingValidationTests {
  /// The default profile as compact JSON with sorted keys, the ground that each case spoils.
  private func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    return String(decoding: try encoder.encode(ProfileFile(profile)), as: UTF8.self)
  }

  private static let stlb = #""high":9,"low":7,"name":"stlb_hit""#

  @Test(
    "that breaks a rule is refused in one sentence",
    arguments: [
      (
        #""schema":2"#, #""schema":1"#,
        "schema is 1, expected 2; convert it by `gi-bench profile convert mine.json NEW.json`"
      ),
      (#""schema":2"#, #""schema":3"#, "schema is 3, expected 2; this gi-bench reads schema 2 only"),
      (#""schema":2"#, #""schema":"2""#, "schema has a value of the wrong kind, expected a whole number; correct it"),
      (
        #""schema":2"#, #""shema":2"#,
        "the top level lacks the key \"schema\"; add it (`gi-bench profile show` prints a whole one)"
      ),
      (
        #""schema":2"#, #""moons":4,"schema":2"#,
        "the profile has the unknown key \"moons\", expected one of hypervisor, processor, schema; remove or rename it"
      ),
      (#""name":"skylake-sp""#, #""name":"""#, "processor: name is empty, expected a word such as my-xeon"),
      (
        #""name":"skylake-sp""#, #""name":7"#,
        "processor.name has a value of the wrong kind, expected a text; correct it"
      ),
      (
        #""features":["vmfunc","ve","pml"]"#, #""features":["vmfunc","warp"]"#,
        "processor.features[1] has no value it may have; `gi-bench profile show` prints those in use"
      ),
      (
        #""features":["vmfunc","ve","pml"]"#, #""features":{}"#,
        "processor.features has a value of the wrong kind, expected a list; correct it"
      ),
      (
        #""ways":12"#, #""ways":13"#,
        "processor.geometry.stlb has 1536 entries in 13 ways, expected 1 to 64 ways and a power of two of sets"
      ),
      (
        #""ways":12"#, #""ways":0"#,
        "processor.geometry.stlb has 1536 entries in 0 ways, expected 1 to 64 ways and a power of two of sets"
      ),
      (
        #""entries":64,"ways":4"#, #""entries":65537,"ways":1"#,
        "processor.geometry.l1_store_tlb has 65537 entries in 1 ways, expected 1 to 64 ways and a power of two of sets"
      ),
      (
        #""entries":64,"ways":4"#, #""entries":-9223372036854775808,"ways":-1"#,
        "processor.geometry.l1_store_tlb has -9223372036854775808 entries in -1 ways, expected 1 to 64 ways and a power of two of sets"
      ),
      (#""pde_cache":32"#, #""pde_cache":4097"#, "processor.geometry.pde_cache is 4097, expected 0 to 4096 entries"),
      (#""pml4e_cache":4"#, #""pml4e_cache":-1"#, "processor.geometry.pml4e_cache is -1, expected 0 to 4096 entries"),
      (
        #""pde_cache":32"#, #""pde_cach":32"#,
        "processor.geometry lacks the key \"pde_cache\"; add it (`gi-bench profile show` prints a whole one)"
      ),
      (
        #""l2":1024"#, #""l2":63"#,
        "processor.geometry.walk_lines is [64, 63, 8192], expected 0 <= l1 <= l2 <= l3 <= 1048576 lines"
      ),
      (
        stlb, #""high":9,"low":11,"name":"stlb_hit""#,
        "processor: parameter stlb_hit: 11.0, 9.0, 9.0 is not low <= value <= high <= 1e9; order them"
      ),
      (
        stlb, #""high":9,"low":-1,"name":"stlb_hit""#,
        "processor: parameter stlb_hit: low is -1.0, expected 0 or more cycles"
      ),
      (
        stlb, #""high":2e9,"low":7,"name":"stlb_hit""#,
        "processor: parameter stlb_hit: 7.0, 9.0, 2000000000.0 is not low <= value <= high <= 1e9; order them"
      ),
      (
        stlb, #""high":9,"low":7,"name":"l1_reference""#,
        "processor: parameter l1_reference is given 2 times, expected once"
      ),
      (
        stlb, #""high":9,"low":7,"name":"moons""#,
        "processor.parameters[4].name has no value it may have; `gi-bench profile show` prints those in use"
      ),
      (
        stlb, #""high":9,"low":7,"extra":0,"name":"stlb_hit""#,
        "processor.parameters[4] has the unknown key \"extra\", expected one of high, low, name, on, source, tag, value; remove or rename it"
      ),
      (
        stlb, #""high":"9","low":7,"name":"stlb_hit""#,
        "processor.parameters[4].high has a value of the wrong kind, expected a number; correct it"
      ),
      (
        stlb, #""high":null,"low":7,"name":"stlb_hit""#,
        "processor.parameters[4].high has a value of the wrong kind, expected a number; correct it"
      ),
      (
        #""source":"InstLatx64 memory-latency dump, Skylake-X","tag":"published","value":4}"#,
        #""source":"","tag":"published","value":4}"#,
        "processor: parameter l1_reference has no source, expected where the value comes from"
      ),
      (
        #""tag":"published","value":4}"#, #""tag":"rumoured","value":4}"#,
        "processor.parameters[0].tag has no value it may have; `gi-bench profile show` prints those in use"
      ),
      (
        stlb, #""high":9,"low":7,"name":"tree_node""#,
        "processor: parameter tree_node is a hypervisor's, expected costs of a processor; move it there"
      ),
      (
        stlb, #""on":"skylake-sp","high":9,"low":7,"name":"stlb_hit""#,
        "processor: parameter stlb_hit has \"on\", expected none in a processor; remove it"
      ),
      (
        #""high":3120,"low":2400"#, #""high":3120,"low":0"#,
        "processor.frequency_mhz: low is 0.0, expected 1 or more MHz"
      ),
      (
        #""high":120,"low":10,"source":"cache lines"#, #""high":120,"low":-10,"source":"cache lines"#,
        "hypervisor.handler_lines: low is -10.0, expected 0 or more lines"
      ),
      (
        #""name":"wake","p50_ns":13600"#, #""name":"poll","p50_ns":13600"#,
        "hypervisor.consumers[1]: a second consumer is named poll; rename one"
      ),
      (
        #""name":"wake","p50_ns":13600"#, #""name":"wake","p50_ns":47001"#,
        "hypervisor.consumers[1]: 47001.0, 47000.0 is not 0 <= p50_ns <= p99_ns <= 1e12; order them"
      ),
      (
        #""name":"eptp_change""#, #""name":"shootdown""#,
        "hypervisor: parameter eptp_change is given 0 times, expected once"
      ),
      (
        #""mmu_lock_hold":{"#, #""mmu_lock_hold":{"unit":"us","#,
        "hypervisor.mmu_lock_hold has the unknown key \"unit\", expected one of high, low, source, tag, value; remove or rename it"
      ),
    ] as [(String, String, String)])
  func broken(old: String, new: String, sentence: String) throws {
    let text = try text()
    try #require(text.contains(old), "the case no longer spoils anything")
    let range = try #require(text.range(of: old))
    let spoilt = text.replacingCharacters(in: range, with: new)
    #expect(throws: ProfileError(description: "mine.json: \(sentence)")) {
      try CycleProfile(json: Data(spoilt.utf8), origin: "mine.json")
    }
  }

  @Test("that holds one half is whole, and one that holds none is refused")
  func halves() throws {
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    func json(_ file: ProfileFile) throws -> Data { try JSONEncoder().encode(file) }
    let processor = try json(ProfileFile(processor: profile.processor, hypervisor: nil))
    #expect(try CycleProfile(json: processor, origin: "mine.json") == profile)
    let hypervisor = try json(ProfileFile(processor: nil, hypervisor: profile.hypervisor))
    #expect(try ProfileFile(json: hypervisor, origin: "mine.json").hypervisor == profile.hypervisor)
    #expect(
      throws: ProfileError(
        description:
          "mine.json: holds a hypervisor and no processor, expected a processor; give this file to --hypervisor")
    ) { try CycleProfile(json: hypervisor, origin: "mine.json") }
    #expect(
      throws: ProfileError(
        description: "mine.json: holds neither a processor nor a hypervisor, expected one of them or both; add one "
          + "(`gi-bench profile show --format json` prints both)")
    ) { try CycleProfile(json: Data(#"{"schema":2}"#.utf8), origin: "mine.json") }
  }

  @Test("that is no JSON is refused in one sentence", arguments: ["", "{", "[[[[", "\u{0}", "{\"schema\": 1e999}"])
  func noJSON(text: String) {
    #expect(throws: ProfileError.self) { try CycleProfile(json: Data(text.utf8), origin: "mine.json") }
  }

  @Test("with a control character in a text is refused as no JSON, though JSONDecoder alone lets it pass")
  func controlCharacter() throws {
    let spoilt = try text().replacing(#""source":""#, with: "\"source\":\"\u{1}", maxReplacements: 1)
    #expect(
      throws: ProfileError(
        description: "mine.json: not JSON, expected a profile as `gi-bench profile show --format json` prints it")
    ) { try CycleProfile(json: Data(spoilt.utf8), origin: "mine.json") }
  }

  @Test("of more than 1 MiB is refused unread")
  func large() {
    #expect(
      throws: ProfileError(description: "mine.json: 1048577 bytes, expected at most 1 MiB; is this a profile?")
    ) { try CycleProfile(json: Data(count: 1 << 20 + 1), origin: "mine.json") }
  }

  @Test("altered anywhere is refused or valid, and never traps", arguments: [31, 32] as [UInt64])
  func mutations(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let whole = Array(try text().utf8)
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<3 {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 32...126, using: &random)
      }
      guard let profile = try? CycleProfile(json: Data(bytes), origin: "mine.json") else { continue }
      for cost in CostParameter.allCases { #expect(profile.cost(of: cost).value >= 0) }
    }
  }
}
