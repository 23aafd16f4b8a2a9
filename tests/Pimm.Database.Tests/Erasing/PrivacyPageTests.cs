using System.Text.RegularExpressions;
using Dapper;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Erasing;

public sealed partial class PrivacyPageTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_table_has_its_clock_on_the_page_and_the_page_names_no_other()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        var tables = await connection.QueryAsync<string>(
            "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relname not like 'qrtz%'");

        Documented().Order().ShouldBe(tables.Order());
    }

    [Fact]
    public async Task What_erasures_look_through_is_every_text_that_a_person_could_stand_in()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        var texts = (await connection.QueryAsync<string>(
            """
            select table_name || '.' || column_name from information_schema.columns
             where table_schema = 'public' and data_type in ('text', 'json', 'jsonb') and table_name = any(@tables)
             order by 1
            """, new { tables = (string[])["job_run", "job_run_log", "import_problem", "import_file", "import_refusal", "import_draft", "upload", "idempotency", "consent", "suppression"] })).AsList();
        var sql = string.Join("\n", Core.Erasing.ErasedTable.All.Select(table => table.Sql)) + await connection.ExecuteScalarAsync<string>("select pg_get_functiondef('erase_kept_texts'::regproc)");

        // Codes, kinds, states and names that Pimm itself gives.
        string[] ours =
        [
            "consent.channel", "consent.purpose", "idempotency.api_client", "idempotency.key", "import_draft.created_by", "import_draft.applied_by", "import_file.delimiter", "import_file.header",
            "import_file.imported_by", "import_file.kind", "import_file.settings", "import_file.state", "import_file.undone", "import_file.undone_by", "import_problem.code", "import_problem.column_name",
            "import_refusal.code", "job_run.checkpoint_uri", "job_run.dedupe_key", "job_run.kind", "job_run.owner", "job_run.state", "job_run_log.level", "suppression.channel", "suppression.kind",
            "suppression.reason", "suppression.recorded_by", "upload.stored_as", "upload.uploaded_by",
        ];
        texts.Except(ours).Where(text => !Regex.IsMatch(sql, $@"update {text.Split('.')[0]} (p )?set [^\n]*\b{text.Split('.')[1]} = (regexp_replace|erased_json)")).ShouldBeEmpty();
    }

    private static IEnumerable<string> Documented()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Pimm.sln")))
            folder = folder.Parent;
        var page = File.ReadAllText(Path.Combine(folder.FullName, "docs", "privacy.md"));
        return page[page.IndexOf("## How long", StringComparison.Ordinal)..].Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => TableName().Matches(line.Split('|')[1]).Select(match => match.Groups[1].Value));
    }

    [GeneratedRegex("`([a-z_]+)`")]
    private static partial Regex TableName();
}
