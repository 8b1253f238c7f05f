/// The style sheet of HTML reports: text at 7:1 contrast or more in both schemes, tones never by colour alone, no word cut at any width.
enum HTMLStyle {
  static let sheet = [page, tables, bars, plots, colours, media].joined(separator: "\n")

  private static let page = """
    :root { --ink: #1b1f24; --paper: #ffffff; --faint: #57606a; --line: #d0d7de; --bar: #9cc3ee; --bar-edge: #1f5fa8;
      --good: #10562b; --bad: #98111b; --doubtful: #6b4700; --good-wash: #dff3e4; --bad-wash: #fde3e1; --doubtful-wash: #fbefd0;
      --c0: #1f5fa8; --c1: #b3450b; --c2: #1a7431; --c3: #8b2fb0; --c4: #946200; --c5: #0b7285; --c6: #b3123f; --c7: #555e68; }
    @media screen and (prefers-color-scheme: dark) {
      :root { --ink: #e6edf3; --paper: #0d1117; --faint: #a9b4c0; --line: #3a424c; --bar: #23507f; --bar-edge: #86bdf5;
        --good: #6fdd8b; --bad: #ff9a94; --doubtful: #efc368; --good-wash: #12301c; --bad-wash: #451a1c; --doubtful-wash: #3a2c0c;
        --c0: #86bdf5; --c1: #ffab7a; --c2: #6fdd8b; --c3: #dba2f5; --c4: #efc368; --c5: #6cd9ec; --c6: #ff9cb4; --c7: #b8c2cc; }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
      print-color-adjust: exact; -webkit-print-color-adjust: exact; }
    main { max-width: 76rem; margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin: 0; }
    p, li, dd { max-width: 48rem; overflow-wrap: anywhere; }
    a { color: var(--bar-edge); } h2 a { text-decoration: none; opacity: 0; } h2:hover a, h2 a:focus { opacity: 1; }
    nav { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem 1rem; margin-bottom: 1.5rem; }
    nav ul { list-style: none; margin: 0; padding: 0; } nav ul ul { columns: 14rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; }
    dt { color: var(--faint); } dd { margin: 0; }
    """

  private static let tables = """
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; font-size: .92rem; margin: 1rem 0; }
    .caption { color: var(--faint); margin: 1.6rem 0 -.4rem; font-size: .92rem; }
    th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    tbody th { font-weight: 600; white-space: nowrap; }
    .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .doubtful { color: var(--doubtful); }
    .matrix th, .matrix td { padding: .25rem .6rem; } .matrix td { text-align: center; border: 1px solid var(--line); }
    .matrix th:first-child { padding-left: 0; }
    .matrix .good { background: var(--good-wash); } .matrix .bad { background: var(--bad-wash); }
    .matrix .doubtful { background: var(--doubtful-wash); }
    """

  private static let bars = """
    figure { margin: 1.2rem 0; max-width: 52rem; } figcaption { color: var(--faint); max-width: 48rem; margin-bottom: .4rem; }
    .bar, .strip { display: grid; grid-template-columns: 9rem 1fr 5rem; gap: 0 .9rem; margin: .15rem 0; align-items: center; }
    .strip { grid-template-columns: 13rem 1fr 4rem; }
    .bar > span:first-child, .strip > span:first-child { overflow-wrap: anywhere; line-height: 1.25; }
    .track, .scale { position: relative; min-height: 1.5rem; display: block; } .scale { min-height: 1.4rem; }
    .track > i { position: absolute; top: -.15rem; bottom: -.15rem; border-left: 1px solid var(--line); }
    .track > i.held { border-left: 2px solid var(--ink); }
    .track > b { position: absolute; top: .35rem; height: .8rem; min-width: 2px; background: var(--bar);
      border: 1px solid var(--bar-edge); border-radius: .2rem; }
    .track > em { position: absolute; top: .4rem; width: .7rem; height: .7rem; margin-left: -.35rem; border-radius: 50%;
      background: var(--ink); }
    .stack { position: absolute; inset: .25rem 0; display: flex; } .stack b { border-right: 1px solid var(--paper); }
    .scale small, .columns small { position: absolute; transform: translateX(-50%); color: var(--faint); white-space: nowrap; }
    .name { color: var(--faint); font-size: .85rem; text-align: center; }
    .legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin-bottom: .5rem; }
    .legend i { display: inline-block; width: 1rem; height: .8rem; margin-right: .4rem; }
    .strip svg { width: 100%; height: 1.3rem; background: color-mix(in srgb, var(--line) 35%, transparent); }
    .strip svg.columned { height: 2.6rem; } .strip rect { fill: var(--c0); shape-rendering: crispEdges; } .place { stroke: var(--c1); stroke-width: 1; }
    .places { columns: 16rem; font-size: .92rem; margin-top: .2rem; } .places small { color: var(--faint); }
    """

  private static let plots = """
    .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem 1.2rem; }
    .plot { display: grid; grid-template-columns: 3.4rem 1fr; gap: .2rem .5rem; padding: .6rem 1rem 0 0; }
    .plot svg { overflow: visible; } .plot > svg { width: 100%; height: 11rem; border: 1px solid var(--line); }
    .scatter .plot > svg { height: 24rem; } .scatter .plot > svg > svg, .key > svg { overflow: visible; }
    .rows { position: relative; } .rows small { position: absolute; right: 0; transform: translateY(-50%);
      color: var(--faint); white-space: nowrap; }
    .columns { position: relative; height: 1.4rem; grid-column: 2; } .plot .name { grid-column: 2; }
    .key { width: 2rem; height: .9rem; margin-right: .4rem; overflow: visible; vertical-align: -.1rem; }
    .grid { stroke: var(--line); } polyline, .key line { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
    .curve0 { stroke: var(--c1); stroke-dasharray: 6 4; } .curve1 { stroke: var(--c0); }
    .curve2 { stroke: var(--c2); stroke-dasharray: 2 3; }
    .band0 { fill: var(--c1); fill-opacity: .16; } .band1 { fill: var(--c0); fill-opacity: .16; }
    .band2 { fill: var(--c2); fill-opacity: .16; }
    """

  private static let colours = (0..<8).map { index in
    ".series\(index) * { fill: var(--c\(index)); fill-opacity: .8; } .part\(index) { background: var(--c\(index)); }"
  }.joined(separator: "\n")

  private static let media = """
    @media (max-width: 600px) {
      main { padding: 1rem; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; }
      .bar, .strip { grid-template-columns: 1fr auto; }
      .bar .track, .bar .scale, .strip svg, .strip .scale, .strip .name { grid-column: 1 / -1; grid-row: 2; }
      .track, .scale { margin: 0 1.2rem; } .strip svg { margin: 0; width: 100%; } .strip .scale { margin: 0; }
      .scale small:nth-child(even) { display: none; }
      .folds thead { display: none; } .folds, .folds tbody { display: block; }
      .folds tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: .1rem 1rem; padding: .4rem 0;
        border-bottom: 1px solid var(--line); }
      .folds th { grid-column: 1 / -1; text-align: left; } .folds th:empty { display: none; }
      .folds th, .folds td { border: 0; padding: 0; white-space: normal; overflow-wrap: anywhere; text-align: left; }
      .folds td:empty { display: none; }
      .folds td::before { content: attr(data-label); display: block; color: var(--faint); font-size: .8rem; font-weight: 400; }
      .matrix.folds td { padding: 0 .3rem .2rem; border: 1px solid var(--line); }
    }
    @media print {
      @page { margin: 12mm; }
      html { font-size: 10.5px; } body { font-size: 1rem; } main { max-width: none; padding: 0; } .wide { overflow: visible; } h2 a { display: none; }
      table { font-size: .85rem; } th, td { padding: .15rem .4rem .15rem 0; overflow-wrap: anywhere; }
      nav a { color: inherit; text-decoration: none; } .caption { break-after: avoid; }
      .matrix th, .matrix td { padding: .15rem .3rem; } .figure, tbody th { white-space: normal; }
      figure, tr, dl { break-inside: avoid; } h1, h2, h3, figcaption { break-after: avoid; }
    }
    """
}
