using Pimm.Core.Auditing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Auditing;

public sealed class AuditTextTests
{
    private sealed record Person(string UserName, string? PasswordHash, int Age, string[] Roles);

    [Fact]
    public void A_change_keeps_the_fields_that_differ_and_no_secret()
    {
        var before = new Person("anna", "old hash", 30, ["Viewer"]);

        var changed = AuditDiff.Of(before, before with { PasswordHash = "new hash", Roles = ["Viewer", "Marketer"] });

        changed.Before!.ToJsonString().ShouldBe("""{"passwordHash":"\u2022\u2022\u2022","roles":["Viewer"]}""");
        changed.After!.ToJsonString().ShouldBe("""{"passwordHash":"\u2022\u2022\u2022","roles":["Viewer","Marketer"]}""");
    }

    [Fact]
    public void What_did_not_change_is_empty()
    {
        var person = new Person("anna", "hash", 30, ["Viewer"]);

        AuditDiff.Of(person, person with { Roles = ["Viewer"] }).IsEmpty.ShouldBeTrue();
        AuditDiff.Of(null, null).IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void Something_new_is_all_after_and_something_gone_all_before()
    {
        var person = new { Name = "anna", Age = 30 };

        (AuditDiff.Of(null, person).Before, AuditDiff.Of(null, person).After!.ToJsonString()).ShouldBe((null, """{"name":"anna","age":30}"""));
        (AuditDiff.Of(person, null).Before!.ToJsonString(), AuditDiff.Of(person, null).After).ShouldBe(("""{"name":"anna","age":30}""", null));
    }

    // What an attacker would like to be a line of its own, a formula, or to be read backwards.
    [Theory]
    [InlineData("a\r\n2,2026-01-01T00:00:00.000000Z,user:root,user.remove", "\"a\\u000d\\u000a2,2026-01-01T00:00:00.000000Z,user:root,user.remove\"")]
    [InlineData("a\u2028b\u0085c\u0000d", "a\\u2028b\\u0085c\\u0000d")]
    [InlineData("evil\u202Egnp.exe", "evil\\u202egnp.exe")]
    [InlineData("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"")]
    [InlineData("@SUM(1)", "\"'@SUM(1)\"")]
    [InlineData("  +1", "\"'  +1\"")]
    [InlineData("＝1+1", "\"'＝1+1\"")]
    [InlineData("\t=1", "\\u0009=1")]
    [InlineData("-", "\"'-\"")]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData(null, "")]
    public void A_field_of_a_persons_file_stays_in_its_line_and_computes_nothing(string? text, string field) => AuditText.CsvField(text).ShouldBe(field);

    [Fact]
    public void An_exported_row_is_one_line_whatever_it_holds()
    {
        var row = new AuditEvent(
            7, new DateTimeOffset(2026, 11, 22, 13, 0, 0, TimeSpan.FromHours(1)).AddTicks(10), "user:x\n{\"id\":8}", "user.add", "user", "1\u2028", null, "{\"name\": \"a\\nb\"}", null,
            new byte[32], AuditChain.Beginning);

        AuditExport.Ndjson(row).ShouldBe(
            """{"id":7,"at":"2026-11-22T12:00:00.000001Z","actor":"user:x\n{\u0022id\u0022:8}","action":"user.add","objectKind":"user","objectId":"1\u2028","before":null,"after":"{\u0022name\u0022: \u0022a\\nb\u0022}","origin":null,"""
            + $"\"prevHash\":\"{new string('0', 64)}\",\"rowHash\":\"{new string('0', 64)}\"}}");
        AuditExport.Csv(row).ShouldBe(
            $"7,2026-11-22T12:00:00.000001Z,\"user:x\\u000a{{\"\"id\"\":8}}\",user.add,user,1\\u2028,,\"{{\"\"name\"\": \"\"a\\nb\"\"}}\",,{new string('0', 64)},{new string('0', 64)}");
    }

    // Computed with Python's hashlib from the definition in docs/audit.md.
    [Fact]
    public void The_hash_of_a_row_is_the_published_one()
    {
        var row = new AuditEvent(
            2, new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero), "user:Ånna", "campaign.create", "campaign", "7", null, "{\"days\": 3}", "10.0.0.1",
            [.. Enumerable.Range(0, 32).Select(i => (byte)i)], []);

        AuditChain.Text(row).ShouldBe("1:2,27:2026-11-22T12:00:00.000000Z,10:user:Ånna,15:campaign.create,8:campaign,1:7,-11:{\"days\": 3},8:10.0.0.1,");
        Convert.ToHexStringLower(AuditChain.Hash(row)).ShouldBe("dca670f9771caedcf0643d9d43d07ee3393aaed99f14899a8b34fd3a35b2dfc4");
    }
}
