using Dapper;
using Pimm.Core.Database;
using Pimm.Testing;
using Shouldly;

namespace Pimm.Database.Tests.Migrations;

/// <summary>A database as an earlier version left it, with one campaign in it, brought up to date.</summary>
internal static class OlderDatabase
{
    private const string OldCampaign =
        """
        select create_audience('savers', 'id', '[{"name": "age", "kind": "number"}]', '{click}', false, now());
        insert into model_line(audience_id, name, network, created_at) values (1, 'a', 'random', now()), (1, 'b', 'pimm', now());
        insert into model_version(model_line_id, version, seed, description, training_rows, trained_at) values (1, 1, 1, '{}', 0, now()), (2, 1, 1, '{}', 0, now());
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day,
                             holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
        values ('old', 1, 1, 2, 'Asia/Shanghai', '2026-03-02', 5, 30, 100, 0.1, 0.05, 'best-of', 100, 'old', 'me', now());
        """;

    /// <param name="migration">file name of the first migration that the earlier version did not have</param>
    /// <param name="rows">SQL for what else the earlier version had written about campaign 1</param>
    public static async Task<TestDatabase> UpgradedAsync(string migration, string rows, CancellationToken cancel)
    {
        var database = await TestDatabase.EmptyAsync();
        var folder = Directory.CreateTempSubdirectory("pimm-upgrade-");
        try
        {
            foreach (var file in Directory.GetFiles(Migrator.DefaultFolder, "*.sql").Where(f => string.CompareOrdinal(Path.GetFileName(f), migration) < 0))
                File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
            await Migrator.RunAsync(database.Owner, folder.FullName, database.Options.AppRole, cancel);
            await using (var app = await database.DataSource.OpenConnectionAsync(cancel))
                await app.ExecuteAsync(OldCampaign + rows);

            (await Migrator.RunAsync(database.Owner, Migrator.DefaultFolder, database.Options.AppRole, cancel)).Applied.ShouldContain(migration);
            return database;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
