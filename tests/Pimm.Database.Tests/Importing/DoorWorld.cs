using System.Text;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

[CollectionDefinition(nameof(DoorWorld))]
public sealed class DoorWorldCollection : ICollectionFixture<DoorWorld>;

/// <summary>A worker, a folder of uploads and no audience.</summary>
public sealed class DoorWorld : IAsyncLifetime
{
    private readonly DirectoryInfo _uploads = Directory.CreateTempSubdirectory("pimm-uploads-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public PimmInstance Pimm { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Pimm = await PimmInstance.StartAsync(new Dictionary<string, string?>
    {
        ["Importing:Uploads"] = _uploads.FullName, ["Importing:MaximumUploadBytes"] = "100000",
    });

    public string[] Stored() => Directory.GetFiles(Path.Combine(_uploads.FullName, "inbox"));

    public async ValueTask DisposeAsync()
    {
        await Pimm.DisposeAsync();
        _uploads.Delete(recursive: true);
    }

    internal async Task<Upload> SendAsync(string content, string name)
    {
        using var body = new MemoryStream(Encoding.UTF8.GetBytes(content));
        return await Pimm.Service<UploadStore>().ReceiveAsync(body, name, "user:ada", Cancel);
    }

    internal async Task<Audience> AudienceAsync(string name)
    {
        var audiences = Pimm.Service<AudienceStore>();
        return await audiences.GetAsync(await audiences.CreateAsync(name, "key", [new("age", "number"), new("channel", "text")], ["click", "buy"], cancellationToken: Cancel), Cancel);
    }

    internal async Task<ImportedFile> ImportAsync(Audience audience, string kind, string content, ImportMapping? mapping, long? replayOf = null)
    {
        var run = await RunAsync(audience, kind, content, mapping, 1, replayOf);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return (await Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel))[0];
    }

    internal Task<JobRun> RunAsync(Audience audience, string kind, string content, ImportMapping? mapping, double acceptBadShare = 1, long? replayOf = null)
    {
        var path = Pimm.Write(Path.GetRandomFileName(), content);
        return Pimm.RunAsync(kind == "outcomes"
            ? new JobRequest(ImportOutcomes.JobKind, path, new OutcomesRequest(audience.Id, path, "shop", acceptBadShare) { By = "user:ada" })
            : new JobRequest(ImportFile.JobKind, path, new ImportRequest(audience.Id, kind, path, acceptBadShare) { Mapping = mapping, By = "user:ada", ReplayOf = replayOf }), Cancel);
    }

    internal Task<JobRun> DoneAsync(long run) => Pimm.Service<JobQueue>().WaitAsync(run, Cancel);

    internal async Task<IEnumerable<string>> CustomersAsync(Audience audience)
    {
        await using var connection = await Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.QueryAsync<string>(
            $"select customer_key || '|' || coalesce(age::text, '-') || '|' || coalesce(channel, '-') from {audience.CustomersTable} where version = (select max(version) from audience_version where audience_id = @Id) order by customer_key", new { audience.Id });
    }

    internal async Task<long> CountAsync(string sql)
    {
        await using var connection = await Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(sql);
    }

    internal async Task ExecuteAsync(string sql, object values)
    {
        await using var connection = await Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql, values);
    }
}
