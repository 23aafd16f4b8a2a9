using System.Globalization;
using System.Text;
using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Pimm.Core.Training;
using Pimm.Testing;

namespace Pimm.Web.Tests;

/// <summary>A small simulated campaign that has been through all stages after training: by the real jobs, a real worker and real files.</summary>
internal sealed class SeededCampaign(TestDatabase database, string folder)
{
    private const int Customers = 3_000;
    private const int Days = 3;
    private const int PerDay = 300;

    public static DateOnly FirstDay => DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-30);

    /// <returns>the campaign's id</returns>
    public async Task<long> CreateAsync()
    {
        using var host = CreateHost();
        await host.StartAsync();
        var services = host.Services;
        var audience = await services.GetRequiredService<AudienceStore>().CreateAsync(
            "Savers of the north", "customer_id", [new AudienceColumn("age", "number"), new AudienceColumn("city", "text")],
            ["click", "register", "invest"], simulated: true);
        await RunAsync(services, new JobRequest("import", "customers", new ImportRequest(audience, "customers", WriteCustomers())));
        var control = await LineAsync(services, audience, "Shared-Bottom");
        var treatment = await LineAsync(services, audience, "PIMM");
        var campaign = await services.GetRequiredService<CampaignStore>().CreateAsync(new Campaign(
            0, "Spring deposits", audience, control, treatment, "Europe/Berlin", FirstDay, Days, 2, PerDay, 0.1, 0.05, "best-of", 20,
            "spring", "tests", TimeProvider.System.GetUtcNow(), PlannedConversions: 400));

        await RunAsync(services, new JobRequest("score", "score", new { }, campaign));
        await ApproveAsync(services, campaign);
        for (var day = 0; day < Days; day++)
        {
            await RunAsync(services, new JobRequest("allocate", $"wave {day}", new { }, campaign));
        }

        await RunAsync(services, new JobRequest("export", "lists", new { }, campaign));
        await RunAsync(services, new JobRequest("outcomes", "outcomes", new OutcomesRequest(audience, await WriteOutcomesAsync(services, campaign), "tests"), campaign));
        await RunAsync(services, new JobRequest("lift", "lift", new { }, campaign));
        await host.StopAsync();
        return campaign;
    }

    /// <summary>Submits a campaign and approves it, as two people.</summary>
    public static async Task ApproveAsync(IServiceProvider services, long campaign)
    {
        var desk = services.GetRequiredService<ApprovalDesk>();
        await desk.SubmitAsync(campaign, "user:author", null);
        await desk.ApproveAsync(campaign, "user:approver", null);
    }

    /// <summary>A campaign on the same audience with nothing done but the import.</summary>
    public static async Task<long> CreateIdleAsync(IServiceProvider services, long like, string name)
    {
        var campaigns = services.GetRequiredService<CampaignStore>();
        var other = await campaigns.GetAsync(like);
        return await campaigns.CreateAsync(other with { Name = name, Salt = name });
    }

    /// <param name="kinds">of runs that its worker takes once it is started; none: all</param>
    public IHost CreateHost(params string[] kinds)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(database.Environment.ToDictionary(pair => pair.Key.Replace("__", ":", StringComparison.Ordinal), string? (pair) => pair.Value));
        builder.Configuration.AddInMemoryCollection([new("Exporting:Folder", folder), new("Importing:Uploads", Path.Combine(folder, "uploads")), .. kinds.Select((kind, place) => KeyValuePair.Create($"Queueing:Kinds:{place}", (string?)kind))]);
        builder.Services.AddPimmCore(builder.Configuration);
        builder.Services.AddSingleton<TruthOfCampaign>((_, _, _, _) => Task.FromResult<LiftTruth?>(new LiftTruth(4.2, 30.1, 34.3, 0.012, 0.06)));
        builder.Services.AddWorker();
        return builder.Build();
    }

    private static async Task RunAsync(IServiceProvider services, JobRequest request)
    {
        var queue = services.GetRequiredService<JobQueue>();
        var run = await queue.WaitAsync(await queue.EnqueueAsync(request with { MaxAttempts = 1 }), CancellationToken.None);
        if (run.State != JobStates.Succeeded)
        {
            throw new InvalidOperationException($"The run {run.Kind} {run.State}: {run.Error}");
        }
    }

    private static async Task<long> LineAsync(IServiceProvider services, long audience, string name)
    {
        var models = services.GetRequiredService<ModelStore>();
        var line = await models.CreateLineAsync(audience, name, RandomScorerSource.Network);
        await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
        var version = await models.AddVersionAsync(connection, line, 7, new StoredModel("""{"test":[{"name":"click","auc":0.712},{"name":"invest","auc":0.803}]}""", null, null), 120_000, null, null);
        await models.PromoteAsync(connection, version, "tests", "first version");
        return line;
    }

    private string WriteCustomers()
    {
        var text = new StringBuilder("customer_id,age,city\n");
        for (var i = 0; i < Customers; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"c{i:00000},{18 + (i % 60)},{(i % 3 == 0 ? "Kiel" : "Bremen")}\n");
        }

        return Write("customers.csv", text);
    }

    // Everybody converts now and then; whom an impression reached does so more often.
    private async Task<string> WriteOutcomesAsync(IServiceProvider services, long campaignId)
    {
        var plans = (await services.GetRequiredService<AllocationStore>().PlansAsync(campaignId)).Where(plan => plan.Policy == plan.Arm && plan.Action == 1).ToDictionary(plan => plan.Customer);
        var chance = new RandomStream(11, "outcomes of tests");
        var text = new StringBuilder("event_id,kind,customer,campaign,wave,stage,occurred_at,amount\n");
        for (var i = 0; i < Customers; i++)
        {
            var reached = plans.TryGetValue(CustomerHash.Of($"c{i:00000}"), out var plan);
            if (reached)
            {
                Impression(text, i, campaignId, plan.WaveDate, chance);
            }

            if (chance.NextDouble() < (reached ? 0.12 : 0.06))
            {
                text.Append(CultureInfo.InvariantCulture, $"o{i},outcome,c{i:00000},,,,{FirstDay.AddDays(reached ? plan.WaveDate.DayNumber - FirstDay.DayNumber : 1):yyyy-MM-dd}T15:00:00Z,1500\n");
            }
        }

        return Write("outcomes.csv", text);
    }

    private static void Impression(StringBuilder text, int customer, long campaign, DateOnly wave, RandomStream chance)
    {
        text.Append(CultureInfo.InvariantCulture, $"d{customer},delivered,c{customer:00000},{campaign},{wave:yyyy-MM-dd},,{wave:yyyy-MM-dd}T09:00:00Z,\n");
        foreach (var (stage, hour) in new[] { ("click", 10), ("register", 11), ("invest", 12) })
        {
            if (chance.NextDouble() > 0.4)
            {
                return;
            }

            text.Append(CultureInfo.InvariantCulture, $"{stage}{customer},funnel,c{customer:00000},{campaign},{wave:yyyy-MM-dd},{stage},{wave:yyyy-MM-dd}T{hour}:00:00Z,\n");
        }
    }

    private string Write(string name, StringBuilder text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text.ToString());
        return path;
    }
}
