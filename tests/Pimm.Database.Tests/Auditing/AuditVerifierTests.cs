using Dapper;
using Microsoft.Extensions.Options;
using Pimm.Core.Auditing;
using Pimm.Core.Operating;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Auditing;

/// <summary>What a superuser who switches the triggers off can do to the rows, and how it is seen.</summary>
public sealed class AuditVerifierTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-audit-").FullName;
    private TestDatabase database = null!;
    private AuditLog log = null!;
    private AuditVerifier verifier = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.MigratedAsync();
        log = new AuditLog(database.DataSource);
        verifier = new AuditVerifier(log, Options.Create(new AuditingOptions { HeadFile = Path.Combine(folder, "deep", "head.ndjson") }), TimeProvider.System);
        for (var i = 1; i <= 6; i++)
            await log.AddAsync(new AuditEntry("user:anna", "campaign.create", "campaign", $"{i}", After: new { Days = i }), Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task An_untouched_chain_is_intact_from_any_row_on()
    {
        await verifier.NoteHeadAsync(cancellationToken: Cancel);
        var head = await log.HeadAsync(Cancel);

        var whole = await verifier.VerifyAsync(1, null, Cancel);
        var part = await verifier.VerifyAsync(4, null, Cancel);

        (whole.Entries, whole.Head!.Id, whole.Head.Hash, whole.Break).ShouldBe((6, 6, Convert.ToHexStringLower(head!.RowHash), null));
        (part.Entries, part.Break).ShouldBe((3, null));
    }

    [Fact]
    public async Task A_quick_look_begins_at_the_noted_end_of_a_long_chain_and_names_the_break_behind_it()
    {
        var health = new RecordsHealth(database.DataSource, verifier, TimeProvider.System);
        var late = new RecordsHealth(database.DataSource, verifier, new Later());
        (await health.AuditAsync(Cancel)).ShouldBe(HealthFinding.Ok("audit", "6 entries, chain intact"));
        (await verifier.LookAsync(4, Cancel)).ShouldSatisfyAllConditions(look => look.From.ShouldBe(3), look => look.Verdict.Entries.ShouldBe(4));
        await verifier.NoteHeadAsync(cancellationToken: Cancel);
        (await late.AuditAsync(Cancel)).Level.ShouldBe(HealthLevel.Warning);
        for (var i = 7; i <= 9; i++)
            await log.AddAsync(new AuditEntry("user:anna", "campaign.create", "campaign", $"{i}"), Cancel);

        var behind = await verifier.LookAsync(8, Cancel);
        await WithoutTriggersAsync("update audit_event set actor = 'user:bert' where id = 2");
        var unseen = await verifier.LookAsync(8, Cancel);
        await WithoutTriggersAsync("update audit_event set actor = 'user:bert' where id = 8");
        var seen = await verifier.LookAsync(8, Cancel);

        (behind.From, behind.Verdict.Entries, behind.Verdict.Break).ShouldBe((6, 4, null));
        unseen.Verdict.Break.ShouldBeNull();
        seen.Verdict.Break.ShouldNotBeNull().ShouldStartWith("Row 8 is not as it was written");
        (await health.AuditAsync(Cancel)).ShouldSatisfyAllConditions(
            finding => finding.Level.ShouldBe(HealthLevel.Failing), finding => finding.Note.ShouldStartWith("Row 2 is not as it was written"));
    }

    private sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow.AddHours(49);
    }

    [Theory]
    [InlineData("update audit_event set after = '{\"days\": 40}' where id = 4", "Row 4 is not as it was written (campaign.create by user:anna at ")]
    [InlineData("update audit_event set at = at + interval '1 microsecond' where id = 2", "Row 2 is not as it was written")]
    [InlineData("update audit_event set actor = 'user:bert' where id = 6", "Row 6 is not as it was written")]
    [InlineData("delete from audit_event where id = 3", "Row 3 is missing: the row behind row 2 is 4.")]
    [InlineData("delete from audit_event where id = 1", "Row 1 is missing: the row behind the beginning is 2.")]
    [InlineData("delete from audit_event where id = 3; update audit_event set id = id - 1 where id > 3", "Row 3 does not follow row 2: its prev_hash is another one.")]
    public async Task A_superusers_edit_is_found_and_named(string edit, string sentence)
    {
        await WithoutTriggersAsync(edit);

        (await verifier.VerifyAsync(1, null, Cancel)).Break.ShouldNotBeNull().ShouldStartWith(sentence);
    }

    [Fact]
    public async Task Rows_that_are_cut_off_the_end_are_missed_by_the_file_outside()
    {
        await WithoutTriggersAsync("delete from audit_event where id = 6");
        (await verifier.VerifyAsync(1, null, Cancel)).Break.ShouldBeNull("nothing outside the database knows of row 6 yet");
        await log.AddAsync(new AuditEntry("user:anna", "campaign.copy", "campaign", "6"), Cancel);
        await verifier.NoteHeadAsync(cancellationToken: Cancel);

        await WithoutTriggersAsync("delete from audit_event where id = 6");

        (await verifier.VerifyAsync(1, null, Cancel)).Break.ShouldNotBeNull().ShouldMatch("^Row 6 is missing: it was noted outside the database on .* and the chain ends at row 5.$");
    }

    [Fact]
    public async Task A_chain_that_is_written_anew_is_another_one_than_was_noted()
    {
        await verifier.NoteHeadAsync(cancellationToken: Cancel);

        await WithoutTriggersAsync("delete from audit_event where id = 6");
        await log.AddAsync(new AuditEntry("user:anna", "campaign.create", "campaign", "6", After: new { Days = 6 }), Cancel);

        (await verifier.VerifyAsync(1, null, Cancel)).Break.ShouldNotBeNull().ShouldStartWith("Row 6 is another one than was noted outside the database on ");
    }

    [Fact]
    public async Task What_a_restore_took_away_is_not_missed()
    {
        await verifier.NoteHeadAsync(cancellationToken: Cancel);
        await WithoutTriggersAsync("delete from audit_event where id > 4");
        await log.AddAsync(new AuditEntry("cli:root", "backup.restore", "backup", "x"), Cancel);
        (await verifier.VerifyAsync(1, null, Cancel)).Break.ShouldNotBeNull();

        await verifier.NoteHeadAsync(restored: true, Cancel);

        (await verifier.VerifyAsync(1, null, Cancel)).Break.ShouldBeNull();
        await WithoutTriggersAsync("delete from audit_event where id = 5");
        (await verifier.VerifyAsync(1, null, Cancel)).Break.ShouldNotBeNull("the restore's own row was noted");
    }

    private async Task WithoutTriggersAsync(string statements)
    {
        await using var owner = await database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync($"alter table audit_event disable trigger all; {statements}; alter table audit_event enable always trigger audit_event_is_kept");
    }
}
