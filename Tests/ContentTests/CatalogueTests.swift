import Collectors
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import TestSupport
import Testing

/// The shipped content, read once.
enum Shipped {
  static let library = Result { try ContentLibrary.shipped() }
  static let rules = Result { try library.get().rules() }
  static let cases = Result { try library.get().cases(for: rules.get()) }
  static let profiles = Result { try library.get().profiles() }
}

struct CatalogueTests {
  @Test func `ids and aliases are unique`() throws {
    let rules = try Shipped.rules.get()
    #expect(try RuleIndex(rules).rules.count == rules.count)
  }

  @Test func `every case gets the verdict it names`() throws {
    let cases = try Shipped.cases.get()
    for rule in try Shipped.rules.get() {
      for testCase in cases[rule.id] ?? [] {
        let outcome = try CaseRunner.run(testCase, of: rule)
        #expect(
          outcome.isAsExpected,
          "\(rule.id): \(testCase.name): got \(outcome.verdict?.rawValue ?? "none"): \(outcome.reason)"
        )
      }
    }
  }

  @Test func `every rule has a passing, a failing and an unknown case`() throws {
    let cases = try Shipped.cases.get()
    for rule in try Shipped.rules.get() {
      let verdicts = Set((cases[rule.id] ?? []).compactMap(\.verdict))
      #expect(verdicts.isSuperset(of: [.pass, .fail, .unknown]), "\(rule.id) lacks a case")
    }
  }

  @Test func `every proof replays to its verdict`() throws {
    let cases = try Shipped.cases.get()
    var replayed = 0
    for rule in try Shipped.rules.get() {
      for testCase in cases[rule.id] ?? [] {
        let ruleSet = try RuleSet(
          goals: [Goal(rule: rule.id, parameters: testCase.parameters)],
          rules: RuleIndex([rule])
        )
        var population = Population()
        for kind in testCase.complete.map(Set.init) ?? ruleSet.relatedKinds {
          population.note(Coverage(account: testCase.resource.account, kind: kind))
        }
        let judge = Judge(ruleSet, JudgeOptions(now: testCase.now))
        let first = judge.judge(([testCase.resource] + testCase.related).map(\.inventoryLine))
        population.merge(first.population)
        let second = judge.judge(first.deferred, population: population)
        for line in try Fixtures.lines(first.lines + second.lines)
        where line["resource"]?["id"]?.string == testCase.resource.id {
          let proof = try #require(line["proof"])
          let verdict = try Replay.verdict(
            of: proof,
            configuration: testCase.resource.configuration
          )
          #expect(
            verdict?.rawValue == line["verdict"]?.string,
            "\(rule.id): \(testCase.name)"
          )
          replayed += 1
        }
      }
    }
    #expect(replayed > 500)
  }

  @Test func `every rule says why and how to mend it`() throws {
    for rule in try Shipped.rules.get() {
      #expect(!rule.rationale.isEmpty, "\(rule.id) has no rationale")
      #expect(!rule.remediation.text.isEmpty, "\(rule.id) has no remediation")
      #expect(rule.references.contains { $0.hasPrefix("https://") }, "\(rule.id) has no reference")
    }
  }

  @Test func `a rule document has at most 60 lines`() throws {
    for rule in try Shipped.rules.get() {
      let text = try String(contentsOfFile: rule.source.file, encoding: .utf8)
      #expect(text.split(separator: "\n").count <= 60, "\(rule.source.file)")
    }
  }

  @Test func `every profile names rules that exist, with parameters that fit`() throws {
    let index = try RuleIndex(Shipped.rules.get())
    for profile in try Shipped.profiles.get() {
      #expect(throws: Never.self, "\(profile.id)") {
        try RuleSet(goals: profile.goals, rules: index)
      }
    }
  }

  @Test func `profiles are unique and say what is manual and why`() throws {
    let profiles = try Shipped.profiles.get()
    #expect(Set(profiles.map(\.id)).count == profiles.count)
    for profile in profiles {
      for control in profile.controls where control.isManual {
        #expect(!control.manualReason.isEmpty, "\(profile.id) \(control.id) has no reason")
      }
    }
  }

  @Test func `the best practices hold every registry goal`() throws {
    let profile = try #require(try Shipped.profiles.get().first { $0.id == "best-practices" })
    let registry = try Shipped.rules.get().filter { $0.id.hasPrefix("ibm.registry.") }
    #expect(registry.count == 9)
    #expect(Set(profile.goals.map(\.rule)).isSuperset(of: registry.map(\.id)))
  }

  @Test func `the shelf holds what it promises`() throws {
    let rules = try Shipped.rules.get()
    #expect(rules.filter { $0.id.hasPrefix("k8s.") }.count == 35)
    #expect(rules.filter { $0.id.hasPrefix("aws.") }.count >= 40)
    let profiles = Set(try Shipped.profiles.get().map(\.id))
    #expect(
      profiles.isSuperset(of: ["best-practices", "cis-kubernetes", "cis-aws", "nist-800-53"])
    )
  }

  @Test func `every Terraform mapping decodes and no type is mapped twice`() throws {
    let mappings = try Shipped.library.get().nodes("terraform").map(TerraformMapping.init)
    #expect(mappings.count >= 40)
    #expect(Set(mappings.map(\.terraform)).count == mappings.count)
  }
}
