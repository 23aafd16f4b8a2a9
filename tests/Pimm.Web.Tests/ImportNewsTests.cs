using System.Diagnostics;
using System.Globalization;
using Dapper;
using Microsoft.Extensions.Hosting;
using Microsoft.Playwright;
using Npgsql;
using Pimm.Core.Access;
using Pimm.Testing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>What an import's page reads is held by locks while its run goes on; in an installation of its own, because nobody else could read or write either.</summary>
public sealed class ImportNewsTests(WebFixture web) : IAsyncLifetime
{
    // Databases that were copied from one another share the numbers of their tables.
    private const string Waiting = "select count(*) from pg_locks where database = (select oid from pg_database where datname = current_database()) and relation = 'job_run_log'::regclass and not granted";

    private readonly string folder = Directory.CreateTempSubdirectory("pimm-import-news-").FullName;
    private TestDatabase database = null!;
    private PimmApp app = null!;
    private IHost worker = null!;
    private WatchedPage page = null!;
    private NpgsqlConnection beside = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.MigratedAsync();
        app = await PimmApp.StartAsync(database, new Dictionary<string, string> { ["Importing__Uploads"] = Path.Combine(folder, "uploads") });
        worker = new SeededCampaign(database, folder).CreateHost("import");
        await worker.StartAsync(Cancel);
        page = await web.OpenElsewhereAsync(app, worker, "mara", Roles.Marketer);
        beside = await database.DataSource.OpenConnectionAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await beside.DisposeAsync();
        await page.DisposeAsync();
        worker.Dispose();
        await app.DisposeAsync();
        await database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task News_that_come_faster_than_they_are_read_do_not_keep_a_page_as_it_was()
    {
        await CheckAsync("news", 30, "Much told about");
        await worker.StopAsync(Cancel);

        // What is read after the click waits for one lock, what news begin to read later for the next.
        await using var first = await LockAsync();
        await ImportStoryTests.ButtonAsync(page, "Apply: 30 customers become version 1");
        await WaitForApplyingAsync();
        await Task.Delay(500, Cancel);
        await WaitForReadersAsync(1);
        var next = LockAsync();
        await WaitAsync($"select ({Waiting} and mode = 'AccessExclusiveLock') > 0");
        var waiting = await beside.ExecuteScalarAsync<int>(Waiting);
        await beside.ExecuteAsync("update job_run set progress = 0.5 where id = (select apply_run_id from import_draft where id = @draft)", new { draft = Draft });
        await WaitForReadersAsync(waiting + 1);
        await first.ExecuteAsync("rollback");

        await using var second = await next;
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("Applying");
        await WaitForReadersAsync(1);
        await second.ExecuteAsync("rollback");
    }

    private async Task CheckAsync(string name, int rows, string audience)
    {
        await ImportStoryTests.SendAsync(page, $"{name}.csv", CustomerFile.Of(rows, bad: 0, name: name));
        await ImportStoryTests.MapAsync(page, audience);
        await ImportStoryTests.ButtonAsync(page, "Check all rows");
        await Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = $"Apply: {rows} customers become version 1" })).ToBeEnabledAsync();
    }

    private async Task<NpgsqlConnection> LockAsync()
    {
        var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("begin; set local lock_timeout = 0; lock table job_run_log in access exclusive mode", commandTimeout: 60);
        return connection;
    }

    private long Draft => long.Parse(new Uri(page.Page.Url).Segments[^1], CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_run_that_ends_while_its_page_reads_it_for_the_first_time_is_followed()
    {
        await CheckAsync("quick", 30, "Quicker than its page");
        await ImportStoryTests.ButtonAsync(page, "Apply: 30 customers become version 1");
        await Expect(page.Page.GetByText("Mapping used")).ToBeVisibleAsync();
        await CheckAsync("quick", 31, "Quicker than its page, twice");
        await worker.StopAsync(Cancel);

        // The page reads the run first and its log behind it.
        await using (await LockAsync())
        {
            await ImportStoryTests.ButtonAsync(page, "Apply: 31 customers become version 1");
            await WaitForApplyingAsync();
            await WaitForReadersAsync(1);
            await beside.ExecuteAsync("""
                update job_run set state = 'succeeded', progress = 1, finished_at = clock_timestamp(),
                       result = (select result from job_run where kind = 'import' and result->>'importFileId' is not null order by id desc limit 1)
                 where id = (select apply_run_id from import_draft where id = @draft)
                """, new { draft = Draft });
            await WaitForReadersAsync(2);
        }

        await Expect(page.Page.GetByText("Mapping used")).ToBeVisibleAsync();
    }

    private Task WaitForApplyingAsync() =>
        WaitAsync("select exists (select from import_draft where id = @draft and apply_run_id is not null)", new { draft = Draft });

    private Task WaitForReadersAsync(int readers) => WaitAsync($"select ({Waiting}) >= @readers", new { readers });

    private async Task WaitAsync(string condition, object? parameters = null)
    {
        for (var clock = Stopwatch.StartNew(); !await beside.ExecuteScalarAsync<bool>(condition, parameters); await Task.Delay(20))
        {
            clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20), condition);
        }
    }
}
