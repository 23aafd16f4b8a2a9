using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;

namespace Pimm.Jobs.Tests;

/// <summary>A campaign of a random line against a trained PIMM, with an audience that is made in the database.</summary>
internal static class ScoringAudience
{
    private const string Customers =
        """
        insert into audience.customers_{0}(customer, version, customer_key, age, income, channel)
        select md5('customer ' || i)::uuid, 1, 'c' || i, 18 + i % 70, round(exp(10 + (i % 1000 * 7919 % 1000) / 500.0)), (array['web', 'app', 'shop'])[1 + i % 3]
          from generate_series(1, @customers) i
        """;

    private const string History =
        """
        insert into audience.history_{0}(customer, impression_at, import_file_id, stage, targeted, age, income, channel)
        select md5('customer ' || i)::uuid, '2026-01-01'::timestamptz + i * interval '10 minutes', @file,
               case when i * 31 % 100 < 5 + i % 70 / 4 then 2 when i * 17 % 100 < 40 then 1 else 0 end,
               true, 18 + i % 70, round(exp(10 + (i % 1000 * 7919 % 1000) / 500.0)), (array['web', 'app', 'shop'])[1 + i % 3]
          from generate_series(1, @rows) i
        """;

    private const string File =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at)
        values (@audience, @kind, 'made.csv', sha256(@kind::bytea), @rows, @rows, 0, 0, 0, now()) returning id
        """;

    /// <returns>the campaign's id; both of its lines have a champion, and nobody is scored</returns>
    public static async Task<long> MakeAsync(PimmInstance pimm, int customers, int history, CancellationToken cancel)
    {
        var id = await pimm.Service<AudienceStore>().CreateAsync(
            "savers", "key", [new("age", "number"), new("income", "number"), new("channel", "text")], ["click", "buy"], cancellationToken: cancel);
        await using (var connection = await pimm.Database.Owner.OpenConnectionAsync(cancel))
        {
            var file = await connection.ExecuteScalarAsync<long>(File, new { audience = id, kind = "customers", rows = customers });
            await connection.ExecuteAsync(string.Format(null, Customers, id), new { customers }, commandTimeout: 600);
            await connection.ExecuteAsync("insert into audience_version(audience_id, version, import_file_id, customers, created_at) values (@id, 1, @file, @customers, now())", new { id, file, customers });
            file = await connection.ExecuteScalarAsync<long>(File, new { audience = id, kind = "history", rows = history });
            await connection.ExecuteAsync(string.Format(null, History, id), new { file, rows = history });
            await connection.ExecuteAsync($"analyze audience.customers_{id}");
        }
        var (control, treatment) = (await LineAsync(pimm, id, "random", "{}", cancel), await LineAsync(pimm, id, "pimm", """{"epochs": "1"}""", cancel));
        return await pimm.Service<CampaignStore>().CreateAsync(new Campaign(
            0, "savings", id, control, treatment, "UTC", new DateOnly(2026, 6, 1), 1, 30, 1_000, 0.1, 0.05, "plain", 1, "savings", "tests",
            DateTimeOffset.UnixEpoch, PlannedConversions: null), cancel);
    }

    private static async Task<long> LineAsync(PimmInstance pimm, long audience, string network, string settings, CancellationToken cancel)
    {
        var line = await pimm.Service<ModelStore>().CreateLineAsync(audience, network, network, settings, cancel);
        var run = await pimm.RunAsync(new JobRequest(TrainModelLine.JobKind, network, new TrainLineRequest(line)), cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return line;
    }
}
