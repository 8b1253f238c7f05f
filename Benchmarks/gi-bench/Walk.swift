import Addresses
import ArgumentParser
import EPT
import Foundation

/// `gi-bench walk`: explain one translation, or drive the machine by script.
struct Walk: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain one translation, or drive the EPT machine by script.",
    discussion: """
      With --gpa or --linear: every entry read with its named fields, the outcome, each bit of the qualification in words. \
      Numbers are decimal, or hexadecimal with 0x. With --script: the walk protocol, one answer per query.

      EXAMPLES:
        gi-bench walk --gpa 0x5123 --eptp 0x101e --entry 0x1000=0x2007
        gi-bench walk --linear 0x400000 --access x --user --set 'reg cr3=0x8000'
        gi-bench walk --gpa 0x5123 --access w --memory IMAGE --eptp 0x101e
        gi-bench walk --script FILE
        printf 'w64 1000 2007\\neptp 101e\\ngpa 5123 r\\n' | gi-bench walk --script -

      COMMANDS OF A SCRIPT (hexadecimal without 0x; after = as in C; # comments):
        zero | w64 ADDR VALUE | r64 ADDR | eptp EPTP | eptpok EPTP | spptp SPPTP
        pml ADDR INDEX | veinfo ADDR EPTPINDEX | eptplist ADDR | vmfunc EAX ECX
        invept TYPE EPTP | invvpid TYPE VPID LADDR
        gpa GPA r|w|x|rw|sr|sw laddr= lv= walk= user= wr= nx= sss= size=
        la LADDR r|w|x|rw|sr|sw user= size= implicit= stack=
        movcr3 VALUE | pdpte N VALUE | invlpg LADDR | invpcid TYPE PCID LADDR
        vmexit | vmentry
        cap maxpa= xonly= x1g= x2m= uc= wb= ad= adv= cet= ve= walk5= page1gb=
        ctl ept= mbec= spp= ve= pml= vmfunc= vmfctl= vpid= pw= gpv=
        reg pe= pg= wp= smep= smap= ac= nxe= inevent= nmi= pge= pcide= cr3=
            mode=off|32|pae|4|5 pse= pke= pkru= pks= pkrs= cet= pat=
        policy guestad=before|after rmwread= cache=none|maximal|random seed=
               memtype= crossing=low|high | trace 0|1
      Answers: OK hpa=H[ spp][ mt=H] | VIOL qual=H gpa=H gla=H | MISC gpa=H | SPP qual=H gpa=H gla=H | PMLFULL | VE | PF ec=H la=H | GP | SS \
      | VMFUNCEXIT | UD | OK eptp=H idx=H, each with what the processor stored (|W addr=value …) and |pml=INDEX; \
      ERR line N: … for a line that is not understood (exit status 1 at the end).

      \(ExitStatus.help)
      """)

  @Option(help: ArgumentHelp("Serve a script of the walk protocol; - is standard input.", valueName: "file"))
  var script: String?

  @Option(help: ArgumentHelp("Explain an access with this guest-physical address.", valueName: "address"))
  var gpa: WalkNumber?

  @Option(
    help: ArgumentHelp(
      "Explain an access with this linear address, through guest tables and EPT.", valueName: "address"))
  var linear: WalkNumber?

  @Option(help: "The access: r, w, x or rw.")
  var access = WalkAccess.r

  @Option(help: ArgumentHelp("The EPT pointer.", valueName: "eptp"))
  var eptp: WalkNumber?

  @Option(help: ArgumentHelp("The linear address that led to --gpa; by default the same number.", valueName: "address"))
  var laddr: WalkNumber?

  @Flag(help: "The access is a user-mode one; with --gpa, its linear address is.")
  var user = false

  @Flag(help: "The access with --gpa is to a guest paging structure.")
  var guestTable = false

  @Option(
    name: .customLong("memory"),
    help: ArgumentHelp(
      "A raw memory image, little endian, that begins at host-physical 0 or ADDR; repeatable.", valueName: "file[@addr]"
    ))
  var images: [String] = []

  @Option(
    name: .customLong("entry"),
    help: ArgumentHelp(
      "A 64-bit word of host-physical memory, put over the images; repeatable.", valueName: "addr=value"))
  var entries: [WalkEntry] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A setting as in a script, for instance 'cap adv=0'; repeatable.", valueName: "line"))
  var settings: [String] = []

  @Option(help: "Format of the explanation.") var format = WalkFormat.text

  func validate() throws {
    guard [script != nil, gpa != nil, linear != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("give one of --gpa, --linear and --script; see gi-bench help walk")
    }
  }

  func run() throws {
    if let script { return try serve(script) }
    var session = try prepared()
    let target: StaleTranslation.Target
    if let linear {
      target = .linear(GuestLinearAddress(linear.value), access.kind, user: user)
    } else {
      let address = gpa?.value ?? 0
      var kind = access.kind.union(.linear)
      if user { kind.insert(.userAddress) }
      if guestTable { kind.insert(.pagingStructure) }
      target = .physical(
        GuestAccess(GuestPhysicalAddress(address), kind, gla: GuestLinearAddress(laddr?.value ?? address)))
    }
    let explanation = session.machine.explained(target)
    switch format {
    case .text: try OutputFile.writeStandardOutput(explanation.lines.map { $0 + "\n" }.joined())
    case .json: try OutputFile.writeStandardOutput(WalkJSON(explanation).text)
    }
  }

  /// The machine that the options describe.
  private func prepared() throws -> WalkScript {
    var session = try WalkMemory(images: images, entries: entries).session(settings: settings)
    if let eptp { session.machine.eptp = EPTPointer(eptp.value) }
    return session
  }

  /// Serves a script from a file or the standard input, and answers after every piece that arrives.
  private func serve(_ path: String) throws {
    var session = try prepared()
    var answer = ScriptAnswer()
    func flush() throws {
      try OutputFile.writeStandardOutput(String(decoding: answer.bytes, as: UTF8.self))
      answer.bytes.removeAll(keepingCapacity: true)
      for stale in session.staleTranslations { StandardError.write("gi-bench: \(stale)\n") }
      session.staleTranslations.removeAll()
    }
    try InputFile.forEachPiece(of: path, expecting: "a script of the walk protocol") { piece in
      session.feed(piece, &answer)
      try flush()
    }
    session.finish(&answer)
    try flush()
    if session.failures > 0 { throw ExitCode(ExitStatus.failure.rawValue) }
  }
}
