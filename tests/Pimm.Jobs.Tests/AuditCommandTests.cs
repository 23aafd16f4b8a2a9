using System.Text.Json;
using Dapper;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class AuditCommandTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-audit-").FullName;
    private TestDatabase database = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => database = await TestDatabase.MigratedAsync();

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_the_command_line_changes_is_recorded_with_who_did_it()
    {
        (await PimmProcess.RunAsync(database, "users", "add", "anna", "--role", "Marketer")).ExitCode.ShouldBe(0);
        (await PimmProcess.RunAsync(database, "users", "add", "anna", "--role", "Viewer")).ExitCode.ShouldBe(2);
        (await PimmProcess.RunAsync(database, "users", "reset-password", "anna")).ExitCode.ShouldBe(0);
        (await PimmProcess.RunAsync(database, "users", "remove", "anna")).ExitCode.ShouldBe(0);
        (await PimmProcess.RunAsync(database, "schedules", "edit", "retention", "--cron", "0 3 * * *")).ExitCode.ShouldBe(0);
        var id = await new JobQueue(database.DataSource).EnqueueAsync(new JobRequest("wait", "test", new { }), Cancel);
        (await PimmProcess.RunAsync(database, "runs", "cancel", $"{id}")).ExitCode.ShouldBe(0);
        (await PimmProcess.RunAsync(database, "runs", "retry", $"{id}")).ExitCode.ShouldBe(0);

        var rows = await new AuditLog(database.DataSource).StreamAsync(new AuditFilter(), Cancel).ToListAsync(Cancel);

        rows.Select(row => row.Action).ShouldBe(["user.add", "user.reset-password", "user.remove", "schedule.change", "run.cancel", "run.retry"]);
        rows.ShouldAllBe(row => row.Actor == AuditActor.CommandLine);
        rows[0].After.ShouldBe("""{"role": "Marketer", "userName": "anna"}""");
        rows[2].Before.ShouldBe("""{"roles": ["Marketer"], "userName": "anna"}""");
        JsonDocument.Parse(rows[3].Before!).RootElement.GetProperty("cron").GetString().ShouldBe("0 4 * * *");
        JsonDocument.Parse(rows[3].After!).RootElement.EnumerateObject().Select(field => field.Name).Order().ShouldBe(["activeSince", "changedAt", "changedBy", "cron", "version"]);

    }

    [Fact]
    public async Task Verify_counts_an_intact_chain_and_names_the_row_that_was_changed()
    {
        await AddAsync("user:anna", "1");
        await AddAsync("user:anna", "2");
        var head = await new AuditLog(database.DataSource).HeadAsync(Cancel);

        var intact = await PimmProcess.RunAsync(database, "audit", "verify");
        await using (var owner = await database.Owner.OpenConnectionAsync(Cancel))
            await owner.ExecuteAsync("alter table audit_event disable trigger all; update audit_event set object_id = '9' where id = 2");
        var changed = await PimmProcess.RunAsync(database, "audit", "verify");
        var document = await PimmProcess.RunAsync(database, "audit", "verify", "--json");
        var noFile = await PimmProcess.RunAsync(database, "audit", "verify", "--head", Path.Combine(folder, "none"));

        intact.ShouldBe((0, $"2 entries, chain intact, head 2 {Convert.ToHexStringLower(head!.RowHash)}\n", ""));
        (changed.ExitCode, changed.Output).ShouldBe((1, ""));
        changed.Error.ShouldStartWith("Row 2 is not as it was written (test.add by user:anna at ");
        (document.ExitCode, JsonDocument.Parse(document.Output).RootElement.GetProperty("break").GetString()).ShouldBe((1, changed.Error.TrimEnd()));
        (noFile.ExitCode, noFile.Error).ShouldBe((2, $"There is no file {Path.Combine(folder, "none")}: name the one that the ends of the audit log were noted in.\n"));
    }

    [Fact]
    public async Task An_export_is_a_line_an_entry_and_is_recorded_itself()
    {
        await AddAsync("user:=cmd()\r\n9,forged", "1");
        await AddAsync("user:bert", "2");
        var (csv, ndjson) = (Path.Combine(folder, "log.csv"), Path.Combine(folder, "log.ndjson"));

        (await PimmProcess.RunAsync(database, "audit", "export", "--format", "csv", "--out", csv)).Error.ShouldBe($"3 entries are in {csv}.\n");
        (await PimmProcess.RunAsync(database, "audit", "export", "--out", ndjson, "--action", "test")).Error.ShouldBe($"2 entries are in {ndjson}.\n");
        var again = await PimmProcess.RunAsync(database, "audit", "export", "--out", ndjson);

        var lines = await File.ReadAllLinesAsync(csv, Cancel);
        lines.Length.ShouldBe(4);
        lines[1].ShouldContain(",user:=cmd()\\u000d\\u000a9,forged".Replace(",user", ",\"user", StringComparison.Ordinal));
        lines[3].ShouldContain("audit.export");
        (await File.ReadAllLinesAsync(ndjson, Cancel)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("actor").GetString()).ShouldBe(["user:=cmd()\r\n9,forged", "user:bert"]);
        (again.ExitCode, again.Error).ShouldBe((2, $"{ndjson} exists already: name a file that does not.\n"));
        (await PimmProcess.RunAsync(database, "audit", "list", "--actor", "user:bert")).Output.ShouldEndWith("user:bert            test.add             test 2\n");
        (await PimmProcess.RunAsync(database, "audit", "list", "--from", "yesterday")).Error.ShouldBe("--from is \"yesterday\": write the day as 2026-12-01.\n");
    }

    private Task AddAsync(string actor, string id) => new AuditLog(database.DataSource).AddAsync(new AuditEntry(actor, "test.add", "test", id), Cancel);
}
