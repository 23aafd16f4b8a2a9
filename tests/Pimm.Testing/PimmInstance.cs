using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pimm.Core;
using Pimm.Core.Approving;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;

namespace Pimm.Testing;

/// <summary>
/// The whole product on a database of its own: every stage and a worker in this process, files in a folder that goes with it.
/// Trainings run in this process too.
/// </summary>
public sealed class PimmInstance : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly DirectoryInfo _folder;

    private PimmInstance(TestDatabase database, IHost host, DirectoryInfo folder) => (Database, _host, _folder) = (database, host, folder);

    public TestDatabase Database { get; }

    public string Folder => _folder.FullName;

    public T Service<T>() where T : notnull => _host.Services.GetRequiredService<T>();

    /// <param name="settings">beside or instead of those of every test, as in Section:Name</param>
    /// <param name="cluster">null: the one that all tests share</param>
    public static async Task<PimmInstance> StartAsync(IReadOnlyDictionary<string, string?>? settings = null, PrivateCluster? cluster = null)
    {
        var database = await TestDatabase.MigratedAsync(cluster);
        var folder = Directory.CreateTempSubdirectory("pimm-instance-");
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddPimmSettings().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Database:ConnectionString"] = database.ConnectionString,
            ["Exporting:Folder"] = Path.Combine(folder.FullName, "exports"),
            ["Importing:Uploads"] = Path.Combine(folder.FullName, "uploads"),
            ["Outcomes:Inbox"] = Path.Combine(folder.FullName, "inbox"),
            ["Training:Executable"] = "",
            ["Training:Folder"] = Path.Combine(folder.FullName, "training"),
            // Another number of threads is another model.
            ["Training:Threads"] = "2",
        }).AddInMemoryCollection(settings);
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddPimmCore(builder.Configuration);
        builder.Services.AddWorker();
        var host = builder.Build();
        await host.StartAsync();
        return new PimmInstance(database, host, folder);
    }

    /// <summary>A simulated campaign through all seven stages.</summary>
    public Task<long> RunDemoAsync(DemoRequest request, CancellationToken cancellationToken) =>
        Service<RunDemo>().RunAsync(request with { Folder = Folder }, _ => { }, cancellationToken);

    /// <summary>Submits a campaign and approves it, as two people.</summary>
    public async Task ApproveAsync(long campaignId, CancellationToken cancellationToken)
    {
        await Service<ApprovalDesk>().SubmitAsync(campaignId, "user:author", null, cancellationToken);
        await Service<ApprovalDesk>().ApproveAsync(campaignId, "user:approver", null, cancellationToken: cancellationToken);
    }

    /// <summary>Asks for a run and waits for its end.</summary>
    public async Task<JobRun> RunAsync(JobRequest request, CancellationToken cancellationToken)
    {
        var queue = Service<JobQueue>();
        return await queue.WaitAsync(await queue.EnqueueAsync(request, cancellationToken), cancellationToken);
    }

    /// <summary>From here on runs wait for workers that a test starts itself.</summary>
    public Task StopWorkerAsync() => _host.StopAsync();

    /// <summary>From now on its runs wait for somebody else.</summary>
    public Task StopWorkingAsync() => _host.StopAsync();

    public string Write(string name, string content)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await Database.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
