namespace Pimm.Testing;

/// <summary>
/// The PostgreSQL that tests share: the one of PIMM_TEST_DATABASE (a superuser's connection string), else a private one that
/// this process starts. There is no third way: without PostgreSQL the tests fail.
/// </summary>
internal static class TestCluster
{
    private static readonly Lazy<string> Connection = new(() =>
        Environment.GetEnvironmentVariable("PIMM_TEST_DATABASE") is { Length: > 0 } given
            ? given
            : PrivateCluster.Start("synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=128MB").ConnectionString);

    /// <summary>A superuser's connection string.</summary>
    public static string ConnectionString => Connection.Value;
}
