using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>
/// Stands between a worker and PostgreSQL and breaks the connection in COMMIT: the server never hears of it, or does it and the
/// worker never hears that it did.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closed = new();
    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly Func<int, Cut> _cutOf;
    private readonly Task _accepting;
    private int _commits;

    /// <param name="cutOf">what to do at the COMMIT of this number, from 1</param>
    public CuttingProxy(string connectionString, Func<int, Cut> cutOf)
    {
        (_server, _cutOf) = (new NpgsqlConnectionStringBuilder(connectionString), cutOf);
        _listener.Start();
        ConnectionString = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = "127.0.0.1", Port = ((IPEndPoint)_listener.LocalEndpoint).Port, SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;
        _accepting = AcceptAsync();
    }

    public enum Cut { None, BeforeTheServer, AfterTheServer }

    public string ConnectionString { get; }

    /// <summary>How many connections were cut.</summary>
    public int Cuts { get; private set; }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync(_closed.Token));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeAsync(Socket worker)
    {
        using var client = worker;
        using var server = await ConnectAsync();
        try
        {
            await await Task.WhenAny(ForwardAsync(client, server), AnswerAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Either end may leave at any time.
        }
    }

    private async Task ForwardAsync(Socket client, Socket server)
    {
        var buffer = new byte[65_536];
        while (await client.ReceiveAsync(buffer, _closed.Token) is > 0 and var length)
        {
            var cut = buffer.AsSpan(0, length).IndexOf("COMMIT\0"u8) >= 0 ? _cutOf(Interlocked.Increment(ref _commits)) : Cut.None;
            if (cut == Cut.None)
            {
                await server.SendAsync(buffer.AsMemory(0, length), _closed.Token);
                continue;
            }

            Cuts++;
            // A reset, not a farewell.
            client.Close(0);
            if (cut == Cut.AfterTheServer)
            {
                await server.SendAsync(buffer.AsMemory(0, length), _closed.Token);
                // The server has done it when it would answer, or could not and closes.
                await Task.Delay(200, _closed.Token);
            }

            return;
        }
    }

    private async Task AnswerAsync(Socket server, Socket client)
    {
        var buffer = new byte[65_536];
        try
        {
            while (await server.ReceiveAsync(buffer, _closed.Token) is > 0 and var length)
            {
                await client.SendAsync(buffer.AsMemory(0, length), _closed.Token);
            }
        }
        catch (ObjectDisposedException)
        {
            // Cut: the other direction says when it is over.
            await Task.Delay(Timeout.Infinite, _closed.Token);
        }
    }

    private async Task<Socket> ConnectAsync()
    {
        var local = _server.Host!.StartsWith('/');
        var socket = new Socket(local ? AddressFamily.Unix : AddressFamily.InterNetwork, SocketType.Stream, local ? ProtocolType.Unspecified : ProtocolType.Tcp);
        EndPoint end = local ? new UnixDomainSocketEndPoint($"{_server.Host}/.s.PGSQL.{_server.Port}") : new DnsEndPoint(_server.Host, _server.Port, AddressFamily.InterNetwork);
        await socket.ConnectAsync(end, _closed.Token);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        _listener.Stop();
        await _accepting;
        _closed.Dispose();
    }
}
